#pragma once
// SASLprep (RFC 4013) for passwords as a verifier stores them, so that one that is typed in another
// normal form, or with another kind of space, is the same. ICU has the tables of RFC 3454.
//
// As PostgreSQL's clients and its server do (src/common/saslprep.c, PostgreSQL 15), who have to
// come to the same bytes: a password of ASCII is taken as it is, and so is one that is not UTF-8 or
// that SASLprep prohibits. What is prohibited is looked for after normalization, as the RFC has it;
// they look before, which differs for U+0340, U+0341 and compatibility letters among right-to-left
// ones.

#include <string>
#include <string_view>

namespace tidemark {

// Empty only if the password is. Any thread.
std::string saslprep(std::string_view password);

}  // namespace tidemark
