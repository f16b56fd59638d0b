// Numbers and ids as octets of keys: big endian, fixed width, so that they sort.
#pragma once

#include "core/check.h"
#include "core/clock.h"
#include "store/schema.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace postern::store {

template <std::size_t N>
std::string_view octets_of(const std::array<std::uint8_t, N>& octets) {
  return {reinterpret_cast<const char*>(octets.data()), N};
}

// The sign bit is turned, so that instants before 1970 sort first.
inline std::uint64_t sortable(Instant instant) {
  return static_cast<std::uint64_t>(instant.time_since_epoch().count()) ^ (std::uint64_t{1} << 63);
}
inline Instant from_sortable(std::uint64_t number) {
  return Instant{Duration{static_cast<Duration::rep>(number ^ (std::uint64_t{1} << 63))}};
}

// Text in a key: RFC 5321 §4.5.3.1 lets a mailbox have 64 + 1 + 255 octets; the rest is room; LMDB keys end at 511.
inline constexpr std::size_t kMaxTextOctetsInKey = 400;
inline bool fits_in_key(std::string_view text) { return !text.empty() && text.size() <= kMaxTextOctetsInKey; }

// A key under construction; no allocation.
class KeyOctets {
 public:
  template <class Number>
  KeyOctets& add(Number number) {
    static_assert(std::is_unsigned_v<Number>);
    for (std::size_t i = sizeof(Number); i-- > 0;) push(static_cast<char>((std::uint64_t{number} >> (8 * i)) & 0xff));
    return *this;
  }
  template <std::size_t N>
  KeyOctets& add(const std::array<std::uint8_t, N>& octets) {
    for (const std::uint8_t octet : octets) push(static_cast<char>(octet));
    return *this;
  }
  KeyOctets& add(Instant instant) { return add(sortable(instant)); }
  operator std::string_view() const { return {octets_.data(), size_}; }  // valid while this object lives

 private:
  void push(char octet) {
    POSTERN_CHECK(size_ < octets_.size());
    octets_[size_++] = octet;
  }
  std::array<char, 56> octets_{};  // the longest key without text is that of idempotency_ages: 50
  std::size_t size_ = 0;
};

// Fields from the front of a key or a fixed value. Sticky: after a short read all is zero and is_complete() false.
class KeyReader {
 public:
  explicit KeyReader(std::string_view octets) : rest_(octets) {}
  std::uint64_t number(std::size_t width) {
    std::uint64_t value = 0;
    if (!has(width)) return 0;
    for (std::size_t i = 0; i < width; ++i) value = (value << 8) | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(width);
    return value;
  }
  Instant instant() { return from_sortable(number(8)); }
  template <std::size_t N>
  std::array<std::uint8_t, N> octets() {
    std::array<std::uint8_t, N> value{};
    if (!has(N)) return value;
    std::memcpy(value.data(), rest_.data(), N);
    rest_.remove_prefix(N);
    return value;
  }
  // True if everything asked for was there and nothing is left.
  bool is_complete() const { return !is_short_ && rest_.empty(); }

 private:
  bool has(std::size_t width) {
    if (rest_.size() < width) is_short_ = true;
    return !is_short_;
  }
  std::string_view rest_;
  bool is_short_ = false;
};

}  // namespace postern::store
