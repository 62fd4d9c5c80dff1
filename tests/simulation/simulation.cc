#include "tests/simulation/simulation.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <fmt/core.h>

#include "engine/durability.h"
#include "engine/engine.h"
#include "engine/step_loop.h"
#include "sql/parser.h"
#include "state/memory_disk.h"
#include "tests/simulation/simulated_source.h"
#include "tests/simulation/simulated_views.h"
#include "types/text.h"

namespace tidemark {

namespace {

// Thrown at a crash point, through the engine.
struct Killed {};

class SimulatedClock final : public Clock {
 public:
  int64_t wall_us() const override { return wall_us_; }
  int64_t steady_us() const override { return steady_us_; }
  void pass(int64_t us) {
    wall_us_ += us;
    steady_us_ += us;
  }
  void set_wall(int64_t us) { wall_us_ = us; }

 private:
  int64_t wall_us_ = 800'000'000'000'000;
  int64_t steady_us_ = 1'000'000'000;
};

// Someone who reads one view's changes, through all lives of the engine.
struct Reader {
  std::shared_ptr<Subscription> subscription;  // shared with the step loop; null: does not read now
  std::optional<Lsn> mark;                     // of `rows`; none: has nothing yet
  SimulatedRows rows;
  bool has_rows = false;  // since it began: the next changes are on top of them
};

class Run {
 public:
  Run(uint64_t seed, std::string directory, bool log)
      : seed_(seed), directory_(std::move(directory)), log_(log), world_(seed) {
    SimulatedConnector::world = &world_;
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  ~Run() {
    session_.reset();
    engine_.reset();
    std::filesystem::remove_all(directory_);
    SimulatedConnector::world = nullptr;
  }

  SimulationResult run() {
    uint64_t events = 40 + below(random(), 160);
    for (uint64_t i = 0; i < events && world_.violation.empty(); ++i) {
      guarded([&] { engine_ == nullptr ? live() : event(); });
    }
    world_.is_calm = true;
    world_.accident = Accident::kNone;
    kill_in_ = 0;
    settle();
    result_.violation = world_.violation;
    result_.commits = world_.upstream.commits().size();
    return result_;
  }

 private:
  Random& random() { return world_.random; }
  void violate(const std::string& text) {
    world_.violate(fmt::format("seed {}: {}", seed_, text));
    note(text);
  }
  void note(const std::string& text) {
    result_.trace = result_.trace * 0x100000001b3 ^ std::hash<std::string>()(text);
    if (log_) {
      fmt::print(stderr, "{}\n", text);
    }
  }

  void guarded(const std::function<void()>& what) {
    try {
      what();
    } catch (const Killed&) {
      ++result_.kills_at_points;
      die();
    }
  }

  // --- lives ---

  void live() {
    EngineOptions options;
    options.data_directory = directory_;
    options.checkpoint_interval_us = 1'000'000;
    options.step_bytes_max = 1 << 30;
    options.session_settings = {{"execution.runtime-mode", "batch"}};
    // Every other life has a log alone; the rest make tables of larger batches, or of all.
    constexpr size_t kTableBytesMin[] = {1 << 10, SIZE_MAX, 0, SIZE_MAX};
    options.table_bytes_min = kTableBytesMin[result_.lives % std::size(kTableBytesMin)];
    // In every fifth life all that is on disk leaves memory at once.
    options.memory_limit_bytes = result_.lives % 5 == 2 ? 1 : 0;
    options.simulation =
        Simulation{&clock_, [this](std::string_view point) { pass(point); }, &disk_};
    // Most lives end at a crash point; some of them before they have begun.
    kill_in_ = world_.is_calm || one_in(random(), 4) ? 0 : 1 + below(random(), 30);
    Result<std::unique_ptr<Engine>> engine = Engine::open(std::move(options));
    if (!engine.ok()) {
      return violate("does not start: " + engine.status().to_string());
    }
    engine_ = std::move(*engine);
    session_ = engine_->new_session();
    ++result_.lives;
    note(fmt::format("life {}", result_.lives));
    for (const std::string& text : engine_->start_notices()) {
      note(text);
    }
    for (size_t table = 0; table < kUpstreamTables; ++table) {
      execute(
          fmt::format("CREATE TABLE IF NOT EXISTS {0} WITH ('connector' = 'simulated', "
                      "'table' = '{0}')",
                      kUpstreamTableNames[table]));
    }
    execute(fmt::format("SET 'tidemark.share_state' = '{}'", !one_in(random(), 3)));
    std::ranges::fill(marks_, Lsn{});
  }

  void die() {
    note("killed");
    session_.reset();
    engine_.reset();
    for (Reader& reader : readers_) {
      reader.subscription = nullptr;
    }
  }

  void pass(std::string_view point) {
    if (kill_in_ != 0 && --kill_in_ == 0) {
      note(fmt::format("at crash point {}", point));
      throw Killed();
    }
  }

  // --- events ---

  void event() {
    switch (below(random(), 19)) {
      case 0:
      case 1:
      case 2:
        world_.upstream.commit(clock_.wall_us());
        note(fmt::format("commit {}", world_.upstream.now().to_string()));
        break;
      case 3:
        world_.upstream.write_elsewhere();
        break;
      case 4:
        clock_.pass(static_cast<int64_t>(below(random(), 700'000)));
        if (one_in(random(), 10)) {
          // Somebody sets the machine's clock.
          clock_.set_wall(clock_.wall_us() +
                          static_cast<int64_t>(below(random(), 200)) * 3'600'000'000 -
                          100 * int64_t{3'600'000'000});
        }
        break;
      case 5:
      case 6:
        engine_->durability()->writer().write();
        break;
      case 7:
        statement();
        break;
      case 8:
        if (one_in(random(), 3)) {
          constexpr Accident kAccidents[] = {Accident::kAway, Accident::kSlotLost,
                                             Accident::kTableReread, Accident::kTableStopped};
          world_.accident = kAccidents[below(random(), 4)];
        }
        break;
      case 9:
        if (one_in(random(), 4)) {
          die();
        }
        break;
      case 10:
      case 11:
      case 12:
        read_changes(below(random(), views_.size()));
        break;
      default:
        engine_->step_loop().turn();
        check();
    }
  }

  // What it says is noted; a statement may be refused.
  void execute(const std::string& text) {
    // The same few texts over and over.
    static thread_local std::map<std::string, sql::Statement> parsed;
    auto known = parsed.find(text);
    if (known == parsed.end()) {
      known = parsed.emplace(text, sql::parse_statement(text).value()).first;
    }
    const sql::Statement& statement = known->second;
    Status status = session_->execute(statement, text).status();
    note(fmt::format("{}: {}", text, status.to_string()));
  }

  void statement() {
    size_t view = below(random(), views_.size());
    const SimulatedView& kind = views_[view];
    switch (below(random(), 6)) {
      case 0:
        if (view != 0 || find(1) == nullptr) {
          readers_[view] = {};
          execute(fmt::format("DROP MATERIALIZED VIEW IF EXISTS {}", kind.name));
          marks_[view] = Lsn{};
        }
        break;
      case 1:
      case 2:
        if (kind.other_query != nullptr) {
          execute(fmt::format("CREATE OR REPLACE MATERIALIZED VIEW {} AS {}", kind.name,
                              one_in(random(), 2) ? kind.query : kind.other_query));
          break;
        }
        [[fallthrough]];
      default:
        create(view);
    }
  }

  void create(size_t view) {
    execute(fmt::format("CREATE MATERIALIZED VIEW IF NOT EXISTS {} AS {}", views_[view].name,
                        views_[view].query));
  }

  // --- checks ---

  ObjectRef find(size_t view) { return find(view, engine_->catalog().objects()); }
  // Not by Catalog::find(), which looks for the nearest name if there is none.
  ObjectRef find(size_t view, const std::vector<ObjectRef>& objects) {
    auto found = std::ranges::find(objects, views_[view].name,
                                   [](const ObjectRef& object) { return object->name.object; });
    return found == objects.end() ? nullptr : *found;
  }

  bool is_answer(size_t view, const SimulatedRows& rows, Lsn mark) {
    const UpstreamContent& content = world_.upstream.at(mark);
    const SimulatedView& kind = views_[view];
    return rows == kind.answer(content) ||
           (kind.other_answer != nullptr && rows == kind.other_answer(content));
  }

  void expect_answer(size_t view, const SimulatedRows& rows, Lsn mark, const char* seen_by) {
    ++result_.states_checked;
    std::string text;
    for (const auto& [row, count] : rows) {
      text += fmt::format(" {}x{}", row, count);
    }
    note(fmt::format("{} {} at {}:{}", seen_by, views_[view].name, mark.to_string(), text));
    if (!is_answer(view, rows, mark)) {
      std::string wanted;
      for (const auto& [row, count] : views_[view].answer(world_.upstream.at(mark))) {
        wanted += fmt::format(" {}x{}", row, count);
      }
      violate(fmt::format("{} of {} at {} shows{}, and not{}", seen_by, views_[view].name,
                          mark.to_string(), text, wanted));
    }
  }

  static void add(const RowBatch& batch, const std::function<int64_t(size_t)>& weight,
                  SimulatedRows& rows) {
    for (size_t row = 0; row < batch.rows; ++row) {
      std::string text;
      for (const ColumnRef& column : batch.columns) {
        text += text.empty() && &column == &batch.columns[0] ? "" : "|";
        if (column->is_null(row)) {
          text += "NULL";
        } else {
          append_text(*column, row, text);
        }
      }
      if ((rows[text] += weight(row)) == 0) {
        rows.erase(text);
      }
    }
  }

  void check() {
    const std::vector<ObjectRef> objects = engine_->catalog().objects();
    for (size_t view = 0; view < views_.size(); ++view) {
      ObjectRef object = find(view, objects);
      if (object == nullptr || !one_in(random(), 2)) {
        continue;
      }
      Result<std::optional<ViewRead>> read =
          engine_->step_loop().read_view(*object, nullptr, nullptr);
      if (!read.ok() || !*read) {
        continue;  // has nothing to show now
      }
      ViewRead& now = **read;
      SimulatedRows rows;
      auto add_weighted = [&](const ZBatch& batch) {
        add(
            batch.rows, [&](size_t row) { return batch.weight(row); }, rows);
      };
      add_weighted(now.base->rows());
      for (const auto& changes : now.changes) {
        add_weighted(changes->rows());
      }
      expect_answer(view, rows, now.mark, "a read");
      if (now.mark < marks_[view]) {
        violate(fmt::format("{} was at {}, and is at {}", views_[view].name,
                            marks_[view].to_string(), now.mark.to_string()));
      }
      marks_[view] = now.mark;
    }
  }

  // What the reader of a view has been told since it last looked.
  void read_changes(size_t view) {
    Reader& reader = readers_[view];
    if (reader.subscription == nullptr && !begin_reading(view)) {
      return;
    }
    while (reader.subscription != nullptr) {
      std::optional<ViewUpdate> update = reader.subscription->next(0);
      if (!update) {
        return;
      }
      switch (update->kind) {
        case ViewUpdate::Kind::kChanges:
          if (!reader.has_rows) {
            reader.rows.clear();
          }
          reader.has_rows = true;
          add(
              update->changes.rows,
              [&](size_t row) { return is_retraction(update->changes.kinds[row]) ? -1 : 1; },
              reader.rows);
          [[fallthrough]];
        case ViewUpdate::Kind::kProgress:
          if (reader.has_rows) {
            if (reader.mark && update->mark < *reader.mark) {
              violate(fmt::format("the reader of {} was at {}, and is told of {}",
                                  views_[view].name, reader.mark->to_string(),
                                  update->mark.to_string()));
            }
            reader.mark = update->mark;
            expect_answer(view, reader.rows, update->mark, "a subscription");
          }
          break;
        case ViewUpdate::Kind::kEnd:
          note(fmt::format("the reader of {} ends: {}", views_[view].name,
                           update->status.to_string()));
          reader.subscription = nullptr;
          break;
        default:
          break;
      }
    }
  }

  bool begin_reading(size_t view) {
    Reader& reader = readers_[view];
    ObjectRef object = find(view);
    if (object == nullptr) {
      return false;
    }
    std::string text = fmt::format("SUBSCRIBE {} WITH (PROGRESS = true)", views_[view].name);
    bool goes_on = reader.mark.has_value();
    if (goes_on) {
      text += fmt::format(" AS OF MARK '{}'", reader.mark->to_string());
    }
    sql::Statement statement = sql::parse_statement(text).value();
    Result<StatementResult> result = session_->execute(statement, text);
    note(fmt::format("{}: {}", text, result.status().to_string()));
    if (!result.ok()) {
      // Its mark is not kept: it begins again.
      reader.mark.reset();
      reader.has_rows = false;
      ++result_.restarted;
      return false;
    }
    result_.resumed += goes_on ? 1 : 0;
    reader.has_rows = goes_on;
    reader.subscription = std::get<StreamResult>(result->outcome).subscription;
    return true;
  }

  // Nothing goes wrong any more: all views come to the end of the upstream's log.
  void settle() {
    if (!world_.violation.empty()) {
      return;
    }
    if (engine_ == nullptr) {
      live();
    }
    world_.upstream.commit(clock_.wall_us());
    Lsn end = world_.upstream.now();
    constexpr int kTurnsMax = 3000;
    std::string behind;
    for (int i = 0; i < kTurnsMax && world_.violation.empty(); ++i) {
      engine_->step_loop().turn();
      engine_->durability()->writer().write();
      clock_.pass(100'000);
      behind.clear();
      for (size_t view = 0; view < views_.size(); ++view) {
        ObjectRef object = find(view);
        if (object == nullptr) {
          create(view);  // is refused while what it reads stands still
          behind += fmt::format(" {}", views_[view].name);
          continue;
        }
        Result<std::optional<ViewRead>> read =
            engine_->step_loop().read_view(*object, nullptr, nullptr);
        if (!read.ok() || !*read || (*read)->mark < end) {
          behind += fmt::format(" {}", views_[view].name);
        }
      }
      if (behind.empty()) {
        for (int looks = 0; looks < 4; ++looks) {
          check();
        }
        for (size_t view = 0; view < views_.size(); ++view) {
          read_changes(view);
        }
        return;
      }
    }
    violate("views do not come to the end of the upstream's log:" + behind);
  }

  const uint64_t seed_;
  const std::string directory_;
  const bool log_;
  const std::span<const SimulatedView> views_ = simulated_views();
  SimulatedWorld world_;
  SimulatedClock clock_;
  MemoryDisk disk_;
  SimulationResult result_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  uint64_t kill_in_ = 0;  // crash points from here; 0: not at one
  std::vector<Lsn> marks_ = std::vector<Lsn>(views_.size());  // that this life has shown
  std::vector<Reader> readers_ = std::vector<Reader>(views_.size());
};

}  // namespace

SimulationResult simulate(uint64_t seed, const std::string& directory, bool log) {
  add_simulated_connector();
  return Run(seed, directory, log).run();
}

}  // namespace tidemark
