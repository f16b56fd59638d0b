// A message cut into the parts that hold something, in the order they stand: for readers of what machines write, which is often no
// sound MIME. A delimiter that the header announces and the body does not have is guessed; what cannot be cut is one text.
// Linear in the message for each level of nesting; no library, no recursion beyond kMaxListedDepth. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

inline constexpr int kMaxListedDepth = 8;            // deeper multiparts are one part
inline constexpr std::size_t kMaxListedParts = 100;  // further ones are left out

struct ListedPart {
  std::string type;         // "text/plain": lower case, without parameters; where none is said, the default
  std::string_view header;  // into the message
  std::string_view body;    // the same, as it is encoded
};

// `message`: lines end with LF alone (with_lf_line_ends). The first entry is the message itself with its whole body where that is
// no multipart, else its parts follow each other. Messages within the message are parts like others. Views point into `message`.
std::vector<ListedPart> list_parts(std::string_view message);

// CRLF, CR alone and LF alone become LF.
std::string with_lf_line_ends(std::string_view octets);

// Where the header section of `message` ends: its header (with its last LF) and what is behind the empty line. A line in front
// that belongs to an mbox file ("From ann@host …") is no field and does no harm. Views into `message`.
struct HeaderAndBody {
  std::string_view header;
  std::string_view body;
};
HeaderAndBody split_header(std::string_view message);

// The first field of that name, unfolded (each fold is one blank), without blanks around it; nullopt: there is none.
std::optional<std::string> listed_field(std::string_view header, std::string_view name);
// A parameter of a structured field's value: `boundary` of Content-Type. Quotes undone. nullopt: none.
std::optional<std::string> field_parameter(std::string_view value, std::string_view name);

// Base64 and quoted-printable undone, leniently; the charset turned into UTF-8, valid in any case; tags of text/html removed. Of
// the encoded octets the first `max_octets` are read.
std::string listed_text(const ListedPart& part, std::size_t max_octets);

}  // namespace postern::mime
