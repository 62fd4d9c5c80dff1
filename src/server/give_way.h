#pragma once
// The socket thread's loop: while views are behind it works for a part of each millisecond and
// rests for the others, so that clients that read as fast as they can leave the cores to the views
// (docs/decisions/0026_reads_give_way.md).
//
// Thread rule: the thread that runs the context.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>

#include "engine/backlog.h"

namespace tidemark {

// Of a thread that gives way. Work stops at its end, or earlier if nothing is left.
constexpr int64_t kWorkUs = 250;
// No answer waits longer for a rest.
constexpr int64_t kRestUs = 750;

// What a rest needs; a test has its own.
struct Pace {
  std::function<int64_t()> now_us;  // steady
  std::function<void(int64_t us)> rest;
};
Pace real_pace();

// Runs the context until it is out of work.
void run_giving_way(boost::asio::io_context& io, const Backlog& backlog, const Pace& pace);

}  // namespace tidemark
