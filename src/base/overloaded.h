#pragma once
// A visitor of lambdas, for std::visit over a closed set: Overloaded{[](const A&) {...}, [](const
// B&) {...}}.

namespace tidemark {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace tidemark
