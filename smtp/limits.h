// Every size and count of the server's protocol core that is not configuration, with its source.
#pragma once

#include <cstddef>

namespace postern::smtp {

// Lines of commands, CRLF included; above it 500 5.5.6, and nothing of the line is run. RFC 5321 §4.5.3.1.4.
inline constexpr std::size_t kMaxCommandOctets = 512;
// MAIL and RCPT: RFC 1870, 6152, 6531, 4954 and 3461 add about 1,200 to the 512, ORCPT and AUTH= the most. The rest is room.
inline constexpr std::size_t kMaxPathCommandOctets = 2'048;
// RFC 4954 §4: a line with a base64 response may be that long. Of a line without an end no more is kept: above it, hang up.
inline constexpr std::size_t kMaxAuthLineOctets = 12'288;
// RFC 5321 §4.5.3.1.6 asks for 1,000. Generators of HTML write longer ones; what the next hop does with them is its own affair,
// but without any bound a line is a way to carry anything.
inline constexpr std::size_t kMaxTextLineOctets = 65'536;
// Of the first read while commands are expected: an idle connection should cost little.
inline constexpr std::size_t kCommandReadOctets = 512;
// Of the first read of content: most messages fit, and blocks of 64 KiB make the allocator tidy up with every one it gets back.
inline constexpr std::size_t kContentReadOctets = 16'384;
// Of a read after one that was filled.
inline constexpr std::size_t kReadOctets = 65'536;
// Replies that can collect before the shell is told to flush them. Nothing counts it: one input buffer of commands, the errors
// and the junk that a session may have and the recipients of a message bound it. A test floods a session and checks it.
inline constexpr std::size_t kMaxOutputOctets = 1'048'576;
// The AUTH user name: free text, kept on every message. Longer than any name that a directory or a build server makes up.
inline constexpr std::size_t kMaxUserNameOctets = 1'024;
// RFC 3461 §4.4 and §4.2.
inline constexpr std::size_t kMaxEnvidOctets = 100;
inline constexpr std::size_t kMaxOrcptOctets = 500;
// RFC 5321 §4.5.3.1.2; of the name of EHLO, escaped, so much is kept.
inline constexpr std::size_t kMaxHeloOctets = 255;
// Tokens of refusals between two steps of the shell, which takes them after each: one line says one or two.
inline constexpr std::size_t kMaxNotedRefusals = 16;

}  // namespace postern::smtp
