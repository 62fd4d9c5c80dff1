#pragma once
// One run of an engine whose whole world is made by a seed: its upstream, its clock, the order in
// which turns, writes to disk, statements, reads and accidents happen, and the moments at which it
// is killed. The same seed gives the same run.
//
// Held at every mark that is shown, by reads and by subscriptions: the view is what its query says
// of the upstream at that mark; marks of one life only rise; a subscription goes on where it was
// after a kill; and what the source was told to forget is never asked for again. In the end, when
// nothing goes wrong any more, every view comes to the upstream's last commit.

#include <cstdint>
#include <string>

namespace tidemark {

struct SimulationResult {
  std::string violation;         // empty: none
  uint64_t lives = 0;            // of the engine
  uint64_t kills_at_points = 0;  // the others were between two events
  uint64_t commits = 0;
  uint64_t states_checked = 0;
  uint64_t resumed = 0;    // subscriptions that went on where they were
  uint64_t restarted = 0;  // whose mark was not kept
  uint64_t trace = 0;      // a hash of all that was seen
};

// `directory` is emptied, and gone afterwards. `log`: says what happens, to stderr.
SimulationResult simulate(uint64_t seed, const std::string& directory, bool log = false);

}  // namespace tidemark
