#include "http/chunk_guard.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::http {
namespace {

std::optional<std::uint64_t> hex_value(char c) {
  if (is_ascii_digit(c)) return static_cast<std::uint64_t>(c - '0');
  const char lower = ascii_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<std::uint64_t>(lower - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::size_t ChunkGuard::examine(std::string_view octets) {
  std::size_t at = 0;
  while (at < octets.size() && !is_done() && !fault_) {
    if (state_ == State::Data) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size() - at));
      left_ -= count;
      at += count;
      if (left_ == 0) state_ = State::DataCr;
    } else {
      take(octets[at++]);
      ++held_octets_;
      if (state_ == State::Data || is_done()) held_octets_ = 0;
    }
  }
  return at;
}

void ChunkGuard::take(char c) {
  switch (state_) {
    case State::FirstDigit:
    case State::Digits: return take_size_octet(c);
    case State::Extension:
      if (c == '\r') return expect(true, State::SizeLf);
      if (++extension_octets_ > kMaxChunkExtensionOctets) {
        return fail(Fault::MalformedRequest, "chunk extensions are too long");
      }
      return expect(c == '\t' || (c >= 0x20 && c < 0x7f), State::Extension);
    case State::SizeLf:
      expect(c == '\n', State::SizeLf);
      if (!fault_) end_size_line();
      return;
    case State::DataCr: return expect(c == '\r', State::DataLf);
    case State::DataLf:
      digits_ = 0;
      return expect(c == '\n', State::FirstDigit);
    case State::LastCr:
      if (c != '\r') return fail(Fault::MalformedRequest, "trailers are not taken");
      return expect(true, State::LastLf);
    case State::LastLf: return expect(c == '\n', State::Done);
    case State::Data:
    case State::Done: return;
  }
}

void ChunkGuard::take_size_octet(char c) {
  if (const auto value = hex_value(c)) {
    if (++digits_ > kMaxChunkSizeDigits) return fail(Fault::MalformedRequest, "a chunk's size is too long");
    left_ = left_ * 16 + *value;
    state_ = State::Digits;
    return;
  }
  const bool has_size = state_ == State::Digits;
  if (c == ';') return expect(has_size, State::Extension);
  expect(has_size && c == '\r', State::SizeLf);
}

void ChunkGuard::end_size_line() {
  if (left_ == 0) {
    state_ = State::LastCr;
    return;
  }
  total_ += left_;
  if (total_ > max_body_octets_) return fail(Fault::BodyTooBig, {});
  state_ = State::Data;
}

void ChunkGuard::expect(bool is_right, State next) {
  if (!is_right) return fail(Fault::MalformedRequest, "the chunked body is malformed");
  state_ = next;
}

void ChunkGuard::fail(Fault fault, std::string_view detail) { fault_ = RequestFault{fault, detail}; }

}  // namespace postern::http
