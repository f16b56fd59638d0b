// Fields that several records share, over store/octets; for the codec's own files only.
#pragma once

#include "core/result.h"
#include "store/octets.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::store {

inline Error corrupt(std::string_view what) {
  return Error(ErrorCode::CorruptRecord, "a stored " + std::string(what) + " is damaged or of an unknown version");
}

template <class Number>
void put_optional(RecordEncoder& out, const std::optional<Number>& value) {
  out.boolean(value.has_value());
  if (value) out.number(*value);
}
inline void put_optional(RecordEncoder& out, const std::optional<Instant>& value) {
  out.boolean(value.has_value());
  if (value) out.instant(*value);
}
template <class Number>
std::optional<Number> get_optional(RecordDecoder& in) {
  if (!in.boolean()) return std::nullopt;
  return in.number<Number>();
}
template <>
inline std::optional<Instant> get_optional<Instant>(RecordDecoder& in) {
  if (!in.boolean()) return std::nullopt;
  return in.instant();
}

inline void put_texts(RecordEncoder& out, const std::vector<std::string>& texts) {
  out.number(texts.size());
  for (const std::string& text : texts) out.text(text);
}
inline std::vector<std::string> get_texts(RecordDecoder& in) {
  std::vector<std::string> texts(in.count());
  for (std::string& text : texts) text = in.text();
  return texts;
}

}  // namespace postern::store
