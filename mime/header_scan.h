// The header section of a message on its way in: found, bounded, cut into fields; no MIME. Fed in any pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

// Above any header section that people or list servers make, and small enough to hold for every connection.
inline constexpr std::size_t kMaxHeaderOctets = 256 * 1024;

struct HeaderField {
  std::size_t begin = 0;      // in HeaderScan::section(), to past the last line's CRLF
  std::size_t end = 0;
  std::string_view name;      // into the section
  std::string_view value;     // behind the colon, with its folds, without the last CRLF
};

class HeaderScan {
 public:
  enum class State { Reading, Complete, TooBig };

  // Takes from `content` what belongs to the header section; returns how many octets that was. The empty line that ends it is
  // taken too and kept (has_empty_line). A line that is no field ends the section as well: it is body. Lines of an mbox file
  // ("From ann@host Mon Nov 30 …", ">From …") before the first field are dropped.
  std::size_t feed(std::string_view content);
  // The content is over: what was read is all of it.
  void finish();

  State state() const { return state_; }
  // Views below point into this and are valid until the next call that changes it.
  const std::string& section() const { return section_; }  // the fields only
  bool has_empty_line() const { return has_empty_line_; }
  bool has_dropped_line() const { return has_dropped_line_; }
  const std::vector<HeaderField>& fields() const { return fields_; }
  std::size_t count(std::string_view name) const;
  const HeaderField* find(std::string_view name) const;
  // The beginning of a line that turned out to be body, read but not part of the section.
  const std::string& body_start() const { return body_start_; }

 private:
  // The line being read, which is whole, as a part of the header section; false: it is none.
  bool take_line(std::string_view line);
  void complete(std::size_t section_octets, std::size_t skip);

  std::string section_;
  std::string body_start_;
  std::size_t line_begin_ = 0;  // of the line being read
  State state_ = State::Reading;
  bool has_empty_line_ = false;
  bool has_dropped_line_ = false;
  std::vector<HeaderField> fields_;
};

}  // namespace postern::mime
