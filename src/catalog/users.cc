#include "catalog/users.h"

#include <algorithm>

namespace tidemark {

std::vector<User> Users::all() const {
  std::lock_guard lock(mutex_);
  std::vector<User> list;
  for (const auto& [name, user] : users_) {
    list.push_back(user);
  }
  return list;
}

std::optional<User> Users::find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = users_.find(name);
  return found == users_.end() ? std::nullopt : std::optional(found->second);
}

bool Users::has_passwords() const {
  std::lock_guard lock(mutex_);
  return std::ranges::any_of(users_,
                             [](const auto& entry) { return !entry.second.verifier.empty(); });
}

Status Users::add(User user) {
  std::lock_guard lock(mutex_);
  std::string name = user.name;
  if (!users_.emplace(name, std::move(user)).second) {
    return Status::already_exists("user \"" + name + "\" already exists").with_sqlstate("42710");
  }
  return {};
}

void Users::put(User user) {
  std::lock_guard lock(mutex_);
  users_[user.name] = user;
}

Status Users::remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  if (users_.erase(name) == 0) {
    return Status::not_found("user \"" + name + "\" does not exist").with_sqlstate("42704");
  }
  return {};
}

}  // namespace tidemark
