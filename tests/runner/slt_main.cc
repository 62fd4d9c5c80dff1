// slt [--once] [--as NAME]... PATH...: runs files and folders of sqllogictest (.slt, .test), as
// many at once as there are cores, and prints counts by cause. --once: over the tables as they are,
// not as views too. --as: what skipif and onlyif may call us (tidemark and postgresql without it).
// Ends with 1 if an answer was wrong, or a file could not be read.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/runner/slt_run.h"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const fs::path& path) {
  if (!fs::is_directory(path)) {
    return {path};
  }
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".slt" || entry.path().extension() == ".test") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  tidemark::SltOptions options;
  std::vector<fs::path> files;
  bool named = false;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--once") {
      options.as_views = false;
    } else if (argument == "--as" && i + 1 < argc) {
      if (!named) {
        options.names = {"tidemark"};
      }
      named = true;
      options.names.insert(argv[++i]);
    } else {
      for (fs::path& file : files_below(argument)) {
        files.push_back(std::move(file));
      }
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: slt [--once] [--as NAME]... PATH...\n");
    return 2;
  }
  std::vector<tidemark::SltReport> reports(files.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> is_read = true;
  auto start = std::chrono::steady_clock::now();
  std::vector<std::jthread> threads(std::max(1U, std::thread::hardware_concurrency()));
  for (std::jthread& thread : threads) {
    thread = std::jthread([&] {
      for (size_t i = next++; i < files.size(); i = next++) {
        std::ifstream in(files[i]);
        std::stringstream text;
        text << in.rdbuf();
        if (in.bad() || !in.is_open()) {
          std::fprintf(stderr, "cannot read %s\n", files[i].c_str());
          is_read = false;
          continue;
        }
        run_slt(files[i].string(), text.str(), options, reports[i]);
      }
    });
  }
  threads.clear();
  tidemark::SltReport report;
  for (const tidemark::SltReport& of_file : reports) {
    report.add(of_file);
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%s%.1f s, %.0f queries/s\n", report.to_string(40).c_str(), seconds,
              static_cast<double>(report.queries) / seconds);
  return is_read && report.wrong + report.diverged == 0 ? 0 : 1;
}
