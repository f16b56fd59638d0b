// Numbers and strings as octets: keys (big endian, fixed width, so that they sort) and the fields of records (little endian or
// variable width, strings with their length in front). The record grammar is in docs/storage.md.
#pragma once

#include "core/check.h"
#include "core/clock.h"
#include "store/crc32c.h"
#include "store/schema.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
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

// Writes one record into a buffer that the caller reuses: kind, version, fields, checksum.
class RecordEncoder {
 public:
  RecordEncoder(RecordKind kind, std::string& out, std::uint8_t version = kRecordVersion) : out_(out) {
    out_.clear();
    out_.push_back(static_cast<char>(kind));
    out_.push_back(static_cast<char>(version));
  }
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>((value & 0x7f) | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  template <class Enum>
  void word(Enum value) {
    out_.push_back(static_cast<char>(value));
  }
  void boolean(bool value) { out_.push_back(value ? 1 : 0); }
  void instant(Instant value) { fixed(static_cast<std::uint64_t>(value.time_since_epoch().count()), 8); }
  void text(std::string_view value) {
    number(value.size());
    out_.append(value);
  }
  template <std::size_t N>
  void octets(const std::array<std::uint8_t, N>& value) {
    out_.append(octets_of(value));
  }
  void finish() { fixed(crc32c(out_), 4); }

 private:
  void fixed(std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) out_.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
  std::string& out_;
};

// Reads one record of a version up to `newest`. Never beyond its end, never more memory than the record has octets. Sticky like
// KeyReader.
class RecordDecoder {
 public:
  RecordDecoder(RecordKind kind, std::string_view record, std::uint8_t newest = kRecordVersion) : rest_(record) {
    if (record.size() < 6) return;
    const std::string_view sum = record.substr(record.size() - 4);
    rest_ = record.substr(2, record.size() - 6);
    std::uint32_t stored = 0;
    for (std::size_t i = 4; i-- > 0;) stored = (stored << 8) | static_cast<unsigned char>(sum[i]);
    version_ = static_cast<std::uint8_t>(record[1]);
    is_sound_ = record[0] == static_cast<char>(kind) && version_ >= 1 && version_ <= newest &&
                crc32c(record.substr(0, record.size() - 4)) == stored;
  }
  std::uint8_t version() const { return version_; }

  template <class Number = std::uint64_t>
  Number number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t octet = next();
      if (shift == 63 && octet > 1) return fail<Number>();
      value |= std::uint64_t{octet & 0x7fU} << shift;
      if ((octet & 0x80U) != 0) continue;
      if (shift != 0 && octet == 0) return fail<Number>();  // not the shortest form
      if (value > std::numeric_limits<Number>::max()) return fail<Number>();
      return static_cast<Number>(value);
    }
    return fail<Number>();
  }
  // An enumerator from `first` to `last`; anything else is damage.
  template <class Enum>
  Enum word(Enum first, Enum last) {
    const std::uint8_t value = next();
    if (value < static_cast<std::uint8_t>(first) || value > static_cast<std::uint8_t>(last)) is_sound_ = false;
    return is_sound_ ? static_cast<Enum>(value) : first;
  }
  bool boolean() {
    const std::uint8_t value = next();
    if (value > 1) is_sound_ = false;
    return value == 1;
  }
  Instant instant() {
    std::uint64_t value = 0;
    const std::string_view octets = take(8);
    for (std::size_t i = octets.size(); i-- > 0;) value = (value << 8) | static_cast<unsigned char>(octets[i]);
    return Instant{Duration{static_cast<Duration::rep>(value)}};
  }
  std::string text() { return std::string(take(number<std::size_t>())); }
  template <std::size_t N>
  std::array<std::uint8_t, N> octets() {
    std::array<std::uint8_t, N> value{};
    const std::string_view from = take(N);
    if (from.size() == N) std::memcpy(value.data(), from.data(), N);
    return value;
  }
  // How many elements follow. Each takes at least an octet, so damage cannot ask for more memory than the record has.
  std::size_t count() {
    const auto value = number<std::size_t>();
    if (value > rest_.size()) is_sound_ = false;
    return is_sound_ ? value : 0;
  }
  // A field was out of its range.
  void refuse() { is_sound_ = false; }
  bool is_sound() const { return is_sound_; }
  bool is_complete() const { return is_sound_ && rest_.empty(); }

 private:
  std::uint8_t next() {
    const std::string_view octet = take(1);
    return octet.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(octet[0]);
  }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) is_sound_ = false;
    if (!is_sound_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <class Number>
  Number fail() {
    is_sound_ = false;
    return 0;
  }

  std::string_view rest_;
  std::uint8_t version_ = 0;
  bool is_sound_ = false;
};

}  // namespace postern::store
