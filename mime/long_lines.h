// Lines that cannot go the way before them: too long for it (RFC 5321 §4.5.3.1.6), mended before a message is signed, or 8-bit
// for a next hop without 8BITMIME (RFC 6152 §3), mended on the way out. What readers decode stays equal. Pure.
//
// Two passes over the content, since a part says in front of its body how that is encoded: the first finds the parts with such
// lines, the second writes everything anew. Parts become quoted-printable; base64 and quoted-printable are cut into shorter lines;
// long header fields are folded. Long lines are left alone in what is signed or encrypted as a whole (RFC 1847), in other
// encodings and in preambles, as is a word of more than 998 octets in a field. 8-bit octets there, and in any header section, are
// an obstacle(); of a preamble or epilogue, which nobody reads, each becomes a '?'.
#pragma once

#include "mime/header_scan.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

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
inline constexpr std::size_t kMaxMendedDepth = 16;
inline constexpr std::size_t kMaxMendedParts = 10'000;

enum class Mending { LongLines, HighOctets };

class LineMender {
 public:
  explicit LineMender(Mending mending = Mending::LongLines) : mending_(mending) {}

  // Content from its first header line on, CR LF line ends, in any pieces; twice the same, begin_writing() between. `out` gets what
  // is to be sent instead, in the second pass only.
  void feed(std::string_view content, std::string& out);
  void finish(std::string& out);

  // After the first pass: is there anything to mend?
  bool is_needed() const { return is_needed_; }
  // Of Mending::HighOctets, after the first pass: why they cannot all be mended, in words; empty where they can.
  std::string_view obstacle() const { return obstacle_; }
  void begin_writing();

 private:
  enum class Place { Header, Body, Between, Left };  // Between: preamble or epilogue. Left: copied as it is
  enum class Coding { None, QuotedPrintable, Base64, Other };
  struct PartHeader;

  bool is_faulty(std::string_view line) const;
  void note_obstacle(std::string_view why);
  void copy(std::string_view text, std::string_view if_high, std::string& out);
  void take_line(std::string_view line, std::string& out);
  void take_between(std::string_view line, std::string& out);
  void leave_to(std::size_t level);
  bool take_boundary(std::string_view line, std::string& out);
  void begin_header(bool is_message);
  void end_header(std::string& out);
  void enter(const PartHeader& header);
  void write_header(std::string& out, const PartHeader& header) const;
  void take_body_line(std::string_view line, std::string& out);
  void append_encoded(std::string_view text, std::string& out) const;

  struct Multipart {
    std::string delimiter;  // "--" and the boundary
    bool is_digest = false; // its parts are messages where they do not say what they are (RFC 2046 §5.1.5)
    bool has_parts = false;
    bool is_garbled = false;  // of its preamble something gets lost
  };

  Mending mending_;
  bool is_writing_ = false;
  bool is_needed_ = false;
  std::string line_;                     // incomplete
  std::string header_;                   // of the part under way
  std::vector<Multipart> around_;        // outermost first
  Place place_ = Place::Header;
  bool is_message_header_ = true;        // not a part's
  Coding coding_ = Coding::None;
  std::size_t bodies_ = 0;               // begun so far
  std::vector<bool> has_faulty_lines_;   // of each body
  std::string_view left_for_;            // the obstacle that 8-bit octets are in Place::Left
  std::string_view obstacle_;            // the first; both are literals
};

}  // namespace postern::mime
