#pragma once
// Who may log in. A user without a password is let in only while no user has one.
//
// Thread rule: any thread.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace tidemark {

inline constexpr const char* kDefaultUser = "tidemark";

struct User {
  std::string name;
  std::string verifier;  // of the password (auth/scram.h), not the password; empty: none
  bool operator==(const User&) const = default;
};

class Users {
 public:
  std::vector<User> all() const;
  std::optional<User> find(const std::string& name) const;
  bool has_passwords() const;
  Status add(User user);                   // kAlreadyExists
  void put(User user);                     // new or changed
  Status remove(const std::string& name);  // kNotFound

 private:
  mutable std::mutex mutex_;  // guards users_
  std::map<std::string, User> users_;
};

}  // namespace tidemark
