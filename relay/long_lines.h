// Lines that are too long for the way (RFC 5321 §4.5.3.1.6): found while a message arrives, and mended before it is signed. What
// readers decode stays equal. Pure.
//
// Mending takes two passes over the content, since a part says in front of its body how that is encoded: the first finds the parts
// with long lines, the second writes everything anew. Parts with them become quoted-printable; base64 and quoted-printable are cut
// into shorter lines; header fields are folded. Left alone: what is signed or encrypted as a whole (RFC 1847), other encodings,
// preambles, and a word of more than 998 octets in a header field.
#pragma once

#include "relay/header_scan.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

// The longest line that every next hop takes, without its line end.
inline constexpr std::size_t kMaxPlainLineOctets = 998;

// In text whose lines end with LF; an open line at its end counts.
bool has_long_line(std::string_view text);

// Looks at content as it comes, in any pieces, at an octet in about a thousand.
class LongLineWatch {
 public:
  void feed(std::string_view content);
  bool is_found() const { return is_found_; }

 private:
  std::size_t open_octets_ = 0;  // of the line under way
  bool is_found_ = false;
};

// Adds a field (with its line ends) to `out`, with lines of at most kMaxPlainLineOctets where it has white space for that.
void append_folded(std::string& out, std::string_view field);

// Bounds of the MIME structure that is read: what is deeper or beyond is left as it is.
inline constexpr std::size_t kMaxMimeDepth = 16;
inline constexpr std::size_t kMaxMimeParts = 10'000;

class LineMender {
 public:
  // Content from its first header line on, CR LF line ends, in any pieces; twice the same, begin_writing() between. `out` gets what
  // is to be sent instead, in the second pass only.
  void feed(std::string_view content, std::string& out);
  void finish(std::string& out);

  // After the first pass: is there anything to mend?
  bool is_needed() const { return is_needed_; }
  void begin_writing();

 private:
  enum class Place { Header, Body, Left };  // Left: copied as it is
  enum class Coding { None, QuotedPrintable, Base64, Other };
  struct PartHeader;

  void take_line(std::string_view line, std::string& out);
  bool take_boundary(std::string_view line, std::string& out);
  void begin_header(bool is_message);
  void end_header(std::string& out);
  void enter(const PartHeader& header);
  void write_header(std::string& out, const PartHeader& header) const;
  void take_body_line(std::string_view line, std::string& out);

  struct Multipart {
    std::string delimiter;  // "--" and the boundary
    bool is_digest = false; // its parts are messages where they do not say what they are (RFC 2046 §5.1.5)
  };

  bool is_writing_ = false;
  bool is_needed_ = false;
  std::string line_;                     // incomplete
  std::string header_;                   // of the part under way
  std::vector<Multipart> around_;        // outermost first
  Place place_ = Place::Header;
  bool is_message_header_ = true;        // not a part's
  Coding coding_ = Coding::None;
  std::size_t bodies_ = 0;               // begun so far
  std::vector<bool> has_long_lines_;     // of each body
};

}  // namespace postern::relay
