// One record's octets: kind, version, fields, checksum; the grammar is in docs/storage.md.
//
// A record's fields are named once for both directions, in the order in which they are stored: `fields(io, record)` in
// store/codec.cc. `io` is a RecordWriter or a RecordReader. `io(a, b)` writes or reads each as its type is stored;
// `if (io.since(2)) io(c)` has the fields before which records of version 1 end.
#pragma once

#include "core/clock.h"
#include "store/crc32c.h"
#include "store/schema.h"

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace postern::store {

// `Record`, or const Record where it is written.
template <class T, class Record>
concept Of = std::same_as<std::remove_const_t<T>, Record>;

// Ids, addresses: nothing but octets.
template <class T>
concept OctetsOnly = requires(T value) { value.octets.size(); } && sizeof(T) == sizeof(T::octets);

// A stored enumeration; another value than one from the first to the last is damage.
template <auto First, auto Last>
struct FromTo {
  static constexpr auto first = First;
  static constexpr auto last = Last;
};
template <class Enum>
struct WordsOf;

// Into a buffer that the caller reuses.
class RecordWriter {
 public:
  RecordWriter(RecordKind kind, std::uint8_t version, std::string& out) : out_(out) {
    out_.clear();
    out_.push_back(static_cast<char>(kind));
    out_.push_back(static_cast<char>(version));
  }

  template <class... Fields>
  void operator()(const Fields&... fields) {
    (put(fields), ...);
  }
  // Up to eight booleans as one number, the first its lowest bit.
  template <class... Flags>
  void flags(Flags... flags) {
    std::uint64_t bits = 0;
    unsigned shift = 0;
    ((bits |= std::uint64_t{flags} << shift++), ...);
    put(bits);
  }
  void up_to(std::uint64_t, std::uint64_t value) { put(value); }
  template <class T>
  void unless_stored(const T&, const std::type_identity_t<T>&) {}
  static constexpr bool since(std::uint8_t) { return true; }
  void finish() { fixed<4>(crc32c(out_)); }

 private:
  void put(bool value) { out_.push_back(value ? 1 : 0); }
  void put(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>((value & 0x7f) | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void put(Instant value) { fixed<8>(static_cast<std::uint64_t>(value.time_since_epoch().count())); }
  void put(const std::string& value) {
    put(std::uint64_t{value.size()});
    out_.append(value);
  }
  template <std::size_t N>
  void put(const std::array<std::uint8_t, N>& value) {
    out_.append(reinterpret_cast<const char*>(value.data()), N);
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    put(std::uint64_t{values.size()});
    for (const T& value : values) put(value);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& pair) {
    (*this)(pair.first, pair.second);
  }
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      out_.push_back(static_cast<char>(value));
    } else if constexpr (std::unsigned_integral<T>) {
      put(std::uint64_t{value});
    } else if constexpr (OctetsOnly<T>) {
      put(value.octets);
    } else {
      fields(*this, value);
    }
  }
  // Little endian.
  template <std::size_t Width>
  void fixed(std::uint64_t value) {
    char octets[Width];
    for (std::size_t i = 0; i < Width; ++i) octets[i] = static_cast<char>((value >> (8 * i)) & 0xff);
    out_.append(octets, Width);
  }

  std::string& out_;
};

// Reads one record of a version up to `newest`, never beyond its end, never more elements than the record has octets. Sticky:
// after damage the rest is zero and is_complete() false.
class RecordReader {
 public:
  RecordReader(RecordKind kind, std::uint8_t newest, std::string_view record) : rest_(record) {
    is_sound_ = record.size() >= 6;
    if (!is_sound_) return;
    const std::string_view summed = record.substr(0, record.size() - 4);
    rest_ = record.substr(summed.size());
    const std::uint64_t sum = fixed<4>();
    rest_ = summed.substr(2);
    version_ = static_cast<std::uint8_t>(record[1]);
    is_sound_ = record[0] == static_cast<char>(kind) && version_ >= 1 && version_ <= newest && crc32c(summed) == sum;
  }

  template <class... Fields>
  void operator()(Fields&... fields) {
    (get(fields), ...);
  }
  template <class... Flags>
  void flags(Flags&... flags) {
    std::uint8_t bits = 0;
    get(bits);
    if (bits >> sizeof...(flags) != 0) is_sound_ = false;
    ((flags = (bits & 1U) != 0, bits = static_cast<std::uint8_t>(bits >> 1)), ...);
  }
  // A number above `most` is damage.
  template <class Number>
  void up_to(std::uint64_t most, Number& value) {
    get(value);
    if (value > most) is_sound_ = false;
  }
  // What a field is in records that end before it, where that is not its default.
  template <class T>
  void unless_stored(T& value, const std::type_identity_t<T>& otherwise) {
    value = otherwise;
  }
  bool since(std::uint8_t version) const { return version_ >= version; }
  bool is_sound() const { return is_sound_; }
  bool is_complete() const { return is_sound_ && rest_.empty(); }

 private:
  void get(bool& value) {
    const std::uint8_t octet = next();
    if (octet > 1) is_sound_ = false;
    value = octet == 1;
  }
  void get(Instant& value) { value = Instant{Duration{static_cast<Duration::rep>(fixed<8>())}}; }
  void get(std::string& value) { value = take(number<std::size_t>()); }
  template <std::size_t N>
  void get(std::array<std::uint8_t, N>& value) {
    const std::string_view from = take(N);
    if (from.size() == N) std::memcpy(value.data(), from.data(), N);
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool is_there = false;
    get(is_there);
    if (is_there) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& values) {
    const auto count = number<std::size_t>();
    if (count > rest_.size()) is_sound_ = false;  // each element takes at least an octet
    if (!is_sound_) return;
    values.resize(count);
    for (T& value : values) get(value);
  }
  template <class A, class B>
  void get(std::pair<A, B>& pair) {
    (*this)(pair.first, pair.second);
  }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = word<T>();
    } else if constexpr (std::unsigned_integral<T>) {
      value = number<T>();
    } else if constexpr (OctetsOnly<T>) {
      get(value.octets);
    } else {
      fields(*this, value);
    }
  }

  template <class Enum>
  Enum word() {
    const auto value = static_cast<Enum>(next());
    if (value < WordsOf<Enum>::first || value > WordsOf<Enum>::last) is_sound_ = false;
    return is_sound_ ? value : WordsOf<Enum>::first;
  }
  template <class Number>
  Number number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t octet = next();
      if (shift == 63 && octet > 1) break;
      value |= std::uint64_t{octet & 0x7fU} << shift;
      if ((octet & 0x80U) != 0) continue;
      const bool is_shortest = shift == 0 || octet != 0;
      if (!is_shortest || value > std::numeric_limits<Number>::max()) break;
      return static_cast<Number>(value);
    }
    is_sound_ = false;
    return 0;
  }
  template <std::size_t Width>
  std::uint64_t fixed() {
    const std::string_view octets = take(Width);
    std::uint64_t value = 0;
    for (std::size_t i = octets.size(); i-- > 0;) value = (value << 8) | static_cast<unsigned char>(octets[i]);
    return value;
  }
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

  std::string_view rest_;
  std::uint8_t version_ = 0;
  bool is_sound_ = false;
};

}  // namespace postern::store
