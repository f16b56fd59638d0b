// A record's fields, named once for both directions: `list_fields(io, record)` hands them to `io` in the order in which they are
// stored, and io writes or reads each as its type is stored (docs/storage.md). For the codec's own files only.
#pragma once

#include "store/codec_fields.h"

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace postern::store {

// `Record`, or const Record where it is written.
template <class T, class Record>
concept Of = std::same_as<std::remove_const_t<T>, Record>;

// An enumerator or a number; one that is not from `first` to `last` is damage.
template <class T>
struct Between {
  T& value;
  std::remove_const_t<T> first;
  std::remove_const_t<T> last;
};
template <class T>
Between<T> between(T& value, std::type_identity_t<std::remove_const_t<T>> first,
                   std::type_identity_t<std::remove_const_t<T>> last) {
  return {value, first, last};
}

class FieldWriter {
 public:
  explicit FieldWriter(RecordEncoder& out) : out_(out) {}

  template <class... Fields>
  void operator()(const Fields&... fields) {
    (put(fields), ...);
  }
  // Fields that records of an earlier version end before.
  template <class... Fields>
  void since(std::uint8_t, const Fields&... fields) {
    (put(fields), ...);
  }

 private:
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.boolean(value);
    } else if constexpr (std::is_unsigned_v<T>) {
      out_.number(value);
    } else if constexpr (std::is_same_v<T, Instant>) {
      out_.instant(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      out_.text(value);
    } else if constexpr (requires { value.octets; }) {
      out_.octets(value.octets);
    } else {
      list_fields(*this, value);
    }
  }
  template <std::size_t N>
  void put(const std::array<std::uint8_t, N>& octets) {
    out_.octets(octets);
  }
  template <class T>
  void put(const Between<T>& field) {
    if constexpr (std::is_enum_v<T>) {
      out_.word(field.value);
    } else {
      out_.number(field.value);
    }
  }
  template <class T>
  void put(const std::optional<T>& value) {
    out_.boolean(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    out_.number(values.size());
    for (const T& value : values) put(value);
  }

  RecordEncoder& out_;
};

class FieldReader {
 public:
  explicit FieldReader(RecordDecoder& in) : in_(in) {}

  template <class... Fields>
  void operator()(Fields&&... fields) {
    (get(fields), ...);
  }
  template <class... Fields>
  void since(std::uint8_t version, Fields&&... fields) {
    if (in_.version() >= version) (get(fields), ...);
  }

 private:
  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = in_.boolean();
    } else if constexpr (std::is_unsigned_v<T>) {
      value = in_.number<T>();
    } else if constexpr (std::is_same_v<T, Instant>) {
      value = in_.instant();
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = in_.text();
    } else if constexpr (requires { value.octets; }) {
      get(value.octets);
    } else {
      list_fields(*this, value);
    }
  }
  template <std::size_t N>
  void get(std::array<std::uint8_t, N>& octets) {
    octets = in_.octets<N>();
  }
  template <class T>
  void get(Between<T>& field) {
    if constexpr (std::is_enum_v<T>) {
      field.value = in_.word(field.first, field.last);
    } else {
      field.value = in_.number<T>();
      if (field.value < field.first || field.value > field.last) in_.refuse();
    }
  }
  template <class T>
  void get(std::optional<T>& value) {
    if (in_.boolean()) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& values) {
    for (std::size_t left = in_.count(); left > 0 && in_.is_sound(); --left) get(values.emplace_back());
  }

  RecordDecoder& in_;
};

template <class Record>
void encode_fields(RecordKind kind, const Record& record, std::string& out, std::uint8_t version = kRecordVersion) {
  RecordEncoder encoder(kind, out, version);
  FieldWriter writer(encoder);
  writer(record);
  encoder.finish();
}

// `what`: the record's name in an error.
template <class Record>
Result<Record> decode_fields(RecordKind kind, std::string_view what, std::string_view octets,
                             std::uint8_t newest = kRecordVersion) {
  RecordDecoder decoder(kind, octets, newest);
  FieldReader reader(decoder);
  Record record{};
  reader(record);
  if (!decoder.is_complete()) return corrupt(what);
  return record;
}

}  // namespace postern::store
