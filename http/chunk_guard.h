// ChunkGuard: walks over a chunked body before the library decodes it and refuses what others might read differently: signs,
// blanks and too many digits in a size, long extensions, trailers (RFC 9112 §7.1). It also finds the body's end. Pure.
#pragma once

#include "http/head_rules.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::http {

class ChunkGuard {
 public:
  explicit ChunkGuard(std::size_t max_body_octets) : max_body_octets_(max_body_octets) {}

  // The octets that follow those already examined. Returns how many belong to the body: all, or fewer once is_done().
  std::size_t examine(std::string_view octets);
  bool is_done() const { return state_ == State::Done; }
  // Of the last octets examined: how many the library must not see yet. Beast 1.81 aborts where the last chunk reaches it in
  // pieces, so it gets the lines between two chunks' data whole.
  std::size_t held_octets() const { return held_octets_; }
  const std::optional<RequestFault>& fault() const { return fault_; }

 private:
  enum class State { FirstDigit, Digits, Extension, SizeLf, Data, DataCr, DataLf, LastCr, LastLf, Done };

  void take(char c);
  void take_size_octet(char c);
  void end_size_line();
  void expect(bool is_right, State next);
  void fail(Fault fault, std::string_view detail);

  std::size_t max_body_octets_;
  State state_ = State::FirstDigit;
  std::size_t digits_ = 0;
  std::size_t extension_octets_ = 0;
  std::size_t held_octets_ = 0;
  std::uint64_t left_ = 0;   // of the chunk
  std::uint64_t total_ = 0;  // of the body
  std::optional<RequestFault> fault_;
};

}  // namespace postern::http
