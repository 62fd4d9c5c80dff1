// Jobs in the catalog: objects that only their id names.

#include <algorithm>

#include "catalog/catalog.h"

namespace tidemark {

std::vector<ObjectRef> Catalog::jobs() const {
  std::vector<ObjectRef> jobs = objects();
  std::erase_if(jobs, [](const ObjectRef& object) { return !object->is_job(); });
  return jobs;
}

ObjectRef Catalog::find_job(const std::string& id) const {
  std::vector<ObjectRef> all = jobs();
  auto found = std::ranges::find_if(all, [&](const auto& job) { return job->name.object == id; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace tidemark
