#include "client/table_view.h"

#include <algorithm>

#include <fmt/core.h>
#include <time.h>

#include "client/tableau.h"
#include "client/width.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

constexpr int64_t kFresh_us = 600'000;     // how long a change stands out
constexpr int64_t kRecent_us = 1'500'000;  // how long it can still be told
constexpr std::string_view kGap = "  ";

// One line that is exactly `width` wide.
std::vector<TextSpan> full_line(std::string_view text, size_t width, TextStyle style) {
  return {{pad_right(fit_width(text, width), width), style}};
}

// Text on the left and on the right; the right gives way.
std::string two_ends(std::string_view left, std::string_view right, size_t width) {
  size_t taken = display_width(right) + 1;
  if (right.empty() || taken + 8 > width) {
    return cut_width(left, width);
  }
  std::string cut = cut_width(left, width - taken);
  return pad_right(cut, width - taken) + " " + std::string(right);
}

std::string on_one_line(std::string_view text) {
  std::string line;
  for (char c : printable(text)) {
    if (c != ' ' || (!line.empty() && line.back() != ' ')) {
      line += c;
    }
  }
  return line;
}

}  // namespace

std::string Frame::plain_text() const {
  std::string text;
  for (const auto& line : lines) {
    std::string joined;
    for (const TextSpan& span : line) {
      joined += span.text;
    }
    joined.erase(joined.find_last_not_of(' ') + 1);
    text += joined + "\n";
  }
  return text;
}

std::string clock_text(int64_t time_us) {
  int64_t unix_us = time_us - kUnixEpochMicros;
  time_t seconds = unix_us / 1'000'000;
  tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec,
                     unix_us / 1000 % 1000);
}

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

TableView::TableView(std::string query, size_t column_width_max, bool follow_end)
    : query_(on_one_line(query)), column_width_max_(column_width_max), follow_end_(follow_end) {}

size_t TableView::row_count(const Content& content) const {
  return content.table != nullptr ? content.table->size()
         : content.log != nullptr ? content.log->size()
                                  : 0;
}

TableView::VisibleRow TableView::row_at(const Content& content, size_t position) const {
  if (content.table != nullptr) {
    const LiveTable::Entry& entry = content.table->entry(position);
    return {&entry.cells, &entry.changed_us, RowKind::kInsert, 0};
  }
  const LoggedChange& change = (*content.log)[position];
  return {&change.row, nullptr, change.op, change.time_us};
}

void TableView::clamp(const Content& content, size_t page_rows) {
  page_rows_ = std::max<size_t>(page_rows, 1);
  size_t rows = row_count(content);
  size_t last_top = rows > page_rows_ ? rows - page_rows_ : 0;
  if (selected_) {
    selected_ = std::min(*selected_, rows == 0 ? 0 : rows - 1);
  }
  top_ = follow_end_ ? last_top : std::min(top_, rows == 0 ? 0 : rows - 1);
  if (selected_ && !follow_end_) {
    top_ =
        std::clamp(top_, *selected_ + 1 > page_rows_ ? *selected_ + 1 - page_rows_ : 0, *selected_);
  }
  size_t columns = content.head == nullptr ? 0 : content.head->visible();
  left_ = std::min(left_, columns == 0 ? 0 : columns - 1);
  opened_ = opened_ && rows > 0;
}

void TableView::grow_widths(const Content& content) {
  size_t columns = content.head->visible();
  widths_.resize(columns);
  for (size_t i = 0; i < columns; ++i) {
    const AnswerColumn& column = content.head->columns[i];
    size_t widest = std::max(display_width(printable(column.name)), widths_[i]);
    for (size_t row = top_; row < std::min(top_ + page_rows_, row_count(content)); ++row) {
      widest = std::max(widest,
                        display_width(shown_cell((*row_at(content, row).cells)[i], column.type)));
    }
    widths_[i] =
        std::min(widest, std::max(column_width_max_, display_width(printable(column.name))));
  }
}

TableView::Line TableView::title(const Content& content, size_t width) const {
  size_t pages = std::max<size_t>((row_count(content) + page_rows_ - 1) / page_rows_, 1);
  size_t page = std::min(pages, (top_ + page_rows_ - 1) / page_rows_ + 1);
  std::string place = pages == 1 ? "" : fmt::format("page {} of {}", page, pages);
  return full_line(two_ends(query_, place, width), width, TextStyle::kBar);
}

TableView::Line TableView::header(const Content& content, size_t width) const {
  std::string text = content.log != nullptr ? "op" : "";
  for (size_t i = left_; i < widths_.size(); ++i) {
    const AnswerColumn& column = content.head->columns[i];
    std::string name = cut_width(printable(column.name), widths_[i]);
    text += text.empty() ? "" : kGap;
    text += column.type.is_numeric() ? pad_left(name, widths_[i]) : pad_right(name, widths_[i]);
  }
  return full_line(text, width, TextStyle::kHeader);
}

TextStyle TableView::cell_style(const Content& content, const VisibleRow& row, size_t column,
                                bool selected) const {
  if (selected) {
    return TextStyle::kSelected;
  }
  int64_t changed = row.logged_us;
  if (row.changed_us != nullptr && column < row.changed_us->size()) {
    changed = (*row.changed_us)[column];
  }
  if (changed != 0 && content.now_us - changed < kFresh_us) {
    return row.changed_us == nullptr ? TextStyle::kRecent : TextStyle::kFresh;
  }
  if (changed != 0 && content.now_us - changed < kRecent_us && row.changed_us != nullptr) {
    return TextStyle::kRecent;
  }
  return (*row.cells)[column] ? TextStyle::kPlain : TextStyle::kDim;
}

TableView::Line TableView::row_line(const Content& content, size_t position, size_t width) const {
  Line line;
  size_t used = 0;
  auto add = [&](std::string_view text, TextStyle style) {
    std::string_view fitting = fit_width(text, width - used);
    used += display_width(fitting);
    line.push_back({std::string(fitting), style});
  };
  VisibleRow row = row_at(content, position);
  bool selected = selected_ == position;
  TextStyle between = selected ? TextStyle::kSelected : TextStyle::kPlain;
  if (content.log != nullptr) {
    add(row_kind_text(row.op), selected ? TextStyle::kSelected : TextStyle::kDim);
  }
  for (size_t i = left_; i < widths_.size() && used < width; ++i) {
    const Type& type = content.head->columns[i].type;
    std::string text = cut_width(shown_cell((*row.cells)[i], type), widths_[i]);
    std::string blanks(widths_[i] - std::min(widths_[i], display_width(text)), ' ');
    if (used > 0) {
      add(kGap, between);
    }
    if (type.is_numeric()) {
      add(blanks, between);
    }
    add(text, cell_style(content, row, i, selected));
    if (!type.is_numeric()) {
      add(blanks, between);
    }
  }
  add(std::string(width - used, ' '), between);
  return line;
}

void TableView::add_rows(const Content& content, size_t width, size_t count, Frame& frame) {
  size_t rows = row_count(content);
  for (size_t i = 0; i < count; ++i) {
    frame.lines.push_back(top_ + i < rows ? row_line(content, top_ + i, width)
                                          : full_line("", width, TextStyle::kPlain));
  }
}

void TableView::add_reading(const Content& content, size_t width, size_t count,
                            Frame& frame) const {
  std::vector<std::string> lines;
  const Freshness& fresh = content.freshness;
  int64_t reading_us = content.now_us - content.reading_since_us;
  double rate =
      reading_us > 200'000 && content.reading_since_us != 0
          ? static_cast<double>(fresh.snapshot_rows) * 1e6 / static_cast<double>(reading_us)
          : 0;
  std::string numbers =
      fresh.snapshot_rows == 0 ? "waiting for the first rows" : grouped(fresh.snapshot_rows);
  if (fresh.snapshot_rows_total > 0) {
    double part = std::min(1.0, static_cast<double>(fresh.snapshot_rows) /
                                    static_cast<double>(fresh.snapshot_rows_total));
    size_t bar_width = std::min<size_t>(width > 9 ? width - 9 : 0, 50);
    auto filled = static_cast<size_t>(part * static_cast<double>(bar_width));
    lines.push_back(fmt::format("[{}{}] {:3.0f}%", std::string(filled, '#'),
                                std::string(bar_width - filled, '.'), part * 100));
    numbers = fmt::format("{} of {} rows", grouped(fresh.snapshot_rows),
                          grouped(fresh.snapshot_rows_total));
    if (rate > 0 && fresh.snapshot_rows < fresh.snapshot_rows_total) {
      double left = static_cast<double>(fresh.snapshot_rows_total - fresh.snapshot_rows) / rate;
      numbers +=
          fmt::format(" · {} rows/s · {:.0f} s left", grouped(static_cast<uint64_t>(rate)), left);
    }
  } else if (fresh.snapshot_rows > 0) {
    numbers +=
        rate > 0 ? fmt::format(" rows · {} rows/s", grouped(static_cast<uint64_t>(rate))) : " rows";
  }
  lines.push_back(numbers);
  for (size_t i = 0; i < count; ++i) {
    std::string_view text = i > 0 && i <= lines.size() ? std::string_view(lines[i - 1])
                            : i == 0                   ? "Reading the source"
                                                       : "";
    frame.lines.push_back(full_line(text, width, TextStyle::kPlain));
  }
}

void TableView::add_opened(const Content& content, size_t width, size_t count, Frame& frame) const {
  VisibleRow row = row_at(content, selected_.value_or(top_));
  std::vector<std::string> lines;
  for (size_t i = 0; i < content.head->visible(); ++i) {
    const AnswerColumn& column = content.head->columns[i];
    std::string name =
        fmt::format("{} ({})", printable(column.name), column.type.to_string_without_null());
    std::string value = shown_cell((*row.cells)[i], column.type);
    lines.push_back(name);
    std::string_view rest = value;
    do {
      std::string_view part = fit_width(rest, width > 4 ? width - 2 : width);
      part = part.empty() && !rest.empty() ? rest.substr(0, 1) : part;
      lines.push_back((width > 4 ? "  " : "") + std::string(part));
      rest.remove_prefix(part.size());
    } while (!rest.empty());
  }
  for (size_t i = 0; i < count; ++i) {
    frame.lines.push_back(
        full_line(i < lines.size() ? std::string_view(lines[i]) : "", width, TextStyle::kPlain));
  }
}

TableView::Line TableView::status(const Content& content, size_t width) const {
  if (goto_page_) {
    return full_line("Enter page number: " + *goto_page_, width, TextStyle::kBar);
  }
  if (!hint_.empty()) {
    return full_line(hint_, width, TextStyle::kBar);
  }
  const Freshness& fresh = content.freshness;
  if (!fresh.stale.empty()) {
    return full_line(printable(fresh.stale), width, TextStyle::kWarning);
  }
  // In the order shown; `worth` says which goes first when there is no room.
  struct Item {
    std::string text;
    int worth;
  };
  std::vector<Item> items;
  if (content.has_ended) {
    items.push_back({"ended", 5});
  }
  if (!fresh.mark.empty()) {
    items.push_back({"mark " + fresh.mark, 4});
    if (fresh.commit_time_us) {
      items.push_back({"committed " + clock_text(*fresh.commit_time_us), 1});
      items.push_back({fmt::format("lag {} ms", fresh.lag_ms), 2});
    }
  }
  if (content.table != nullptr || content.log != nullptr) {
    size_t rows = row_count(content);
    const char* what = content.table != nullptr ? "row" : "change";
    items.push_back({fmt::format("{} {}{}", grouped(rows), what, rows == 1 ? "" : "s"), 3});
  }
  items.push_back({opened_ ? "q back" : "q quit", 0});
  constexpr std::string_view kDot = " · ";
  auto joined = [&] {
    std::string text;
    for (const Item& item : items) {
      text += (text.empty() ? "" : std::string(kDot)) + item.text;
    }
    return text;
  };
  while (items.size() > 1 && display_width(joined()) > width) {
    items.erase(std::ranges::min_element(items, {}, &Item::worth));
  }
  return full_line(joined(), width, TextStyle::kBar);
}

Frame TableView::render(const Content& content, size_t width, size_t height) {
  Frame frame;
  if (width == 0 || height == 0) {
    return frame;
  }
  // The status line comes first, then the rows, then the names, then the title, as lines allow.
  bool has_status = height >= 2;
  bool has_header = height >= 3;
  bool has_title = height >= 5;
  size_t body = height - (has_status ? 1 : 0) - (has_header ? 1 : 0) - (has_title ? 1 : 0);
  bool shows_rows = content.head != nullptr && !content.is_reading;
  clamp(content, body);
  if (has_title) {
    frame.lines.push_back(title(content, width));
  }
  if (!shows_rows) {
    add_reading(content, width, body + (has_header ? 1 : 0), frame);
  } else if (opened_) {
    add_opened(content, width, body + (has_header ? 1 : 0), frame);
  } else {
    grow_widths(content);
    if (has_header) {
      frame.lines.push_back(header(content, width));
    }
    add_rows(content, width, body, frame);
  }
  if (has_status) {
    frame.lines.push_back(status(content, width));
  }
  return frame;
}

}  // namespace tidemark
