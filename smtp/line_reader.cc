// See line_reader.h.
#include "smtp/line_reader.h"


namespace postern::smtp {

LineResult read_line(std::string_view buffer, std::size_t limit, std::size_t searched) {
  const std::size_t lf = buffer.find('\n', searched);
  if (lf == std::string_view::npos) {
    return {buffer.size() >= limit ? LineStatus::TooLong : LineStatus::NeedMore, {}, 0};
  }
  if (lf + 1 > limit) return {LineStatus::TooLong, {}, 0};
  if (lf == 0 || buffer[lf - 1] != '\r') return {LineStatus::BadOctet, {}, 0};
  const std::string_view line = buffer.substr(0, lf - 1);
  const bool has_bad_octet = line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos;
  if (has_bad_octet) return {LineStatus::BadOctet, {}, 0};
  return {LineStatus::Line, line, lf + 1};
}

}  // namespace postern::smtp
