#include "base/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace tidemark {

void lower_thread_priority() {
  // Linux takes a thread's id here and changes that thread alone (setpriority(2)). About a third of
  // a normal thread's share; what fails changes no answer.
  constexpr int kNice = 5;
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
}

}  // namespace tidemark
