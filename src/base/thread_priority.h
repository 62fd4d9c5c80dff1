#pragma once

namespace tidemark {

// The calling thread runs less when there are more threads than cores: readers wait for the views,
// and not the views for readers. Raising it again takes a right that we do not have.
void lower_thread_priority();

}  // namespace tidemark
