#include <algorithm>
#include <charconv>

#include "client/table_view.h"

namespace tidemark {

bool TableView::press(KeyPress press, const Content& content) {
  hint_.clear();
  size_t rows = row_count(content);
  if (goto_page_) {
    if (press.key == Key::kDigit && goto_page_->size() < 9) {
      *goto_page_ += press.digit;
    } else if (press.key == Key::kBackspace && !goto_page_->empty()) {
      goto_page_->pop_back();
    } else if (press.key == Key::kOpen) {
      size_t page = 0;
      std::from_chars(goto_page_->data(), goto_page_->data() + goto_page_->size(), page);
      size_t pages = std::max<size_t>((rows + page_rows_ - 1) / page_rows_, 1);
      if (page >= 1 && page <= pages) {
        top_ = (page - 1) * page_rows_;
        selected_.reset();
        follow_end_ = false;
      } else {
        hint_ = "There is no such page.";
      }
      goto_page_.reset();
    } else if (press.key == Key::kQuit) {
      goto_page_.reset();
    }
    return true;
  }
  if (opened_) {
    opened_ = press.key != Key::kQuit && press.key != Key::kOpen;
    return true;
  }
  auto select = [&](size_t row) {
    selected_ = row;
    follow_end_ = false;
  };
  size_t last = rows == 0 ? 0 : rows - 1;
  switch (press.key) {
    case Key::kQuit:
      return false;
    case Key::kUp:
      select(selected_ ? (*selected_ == 0 ? 0 : *selected_ - 1)
                       : std::min(last, top_ + page_rows_ - 1));
      break;
    case Key::kDown:
      select(selected_ ? std::min(last, *selected_ + 1) : top_);
      break;
    case Key::kLeft:
      left_ -= left_ == 0 ? 0 : 1;
      break;
    case Key::kRight:
      left_ += left_ + 1 < widths_.size() ? 1 : 0;
      break;
    case Key::kNextPage:
      top_ = top_ + page_rows_ < rows ? top_ + page_rows_ : top_;
      follow_end_ = false;
      selected_.reset();
      break;
    case Key::kPreviousPage:
      top_ -= std::min(top_, page_rows_);
      follow_end_ = false;
      selected_.reset();
      break;
    case Key::kHome:
      top_ = 0;
      follow_end_ = false;
      selected_.reset();
      break;
    case Key::kEnd:
      follow_end_ = true;
      selected_.reset();
      break;
    case Key::kGoto:
      goto_page_.emplace();
      break;
    case Key::kOpen:
      opened_ = rows > 0;
      if (opened_ && !selected_) {
        select(top_);
      }
      break;
    case Key::kPlus:
    case Key::kMinus:
      hint_ = "Changes are shown as they are committed; there is no refresh interval.";
      break;
    case Key::kRefresh:
    case Key::kDigit:
    case Key::kBackspace:
    case Key::kNone:
      break;
  }
  return true;
}

}  // namespace tidemark
