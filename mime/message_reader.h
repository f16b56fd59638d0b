// A stored message → what an API client or the dashboard shows of it. Content is anybody's: nesting, parts and the size of each
// answer are bounded, and every text handed out is valid UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

inline constexpr int kMaxMimeDepth = 32;                        // deeper parts are left out
inline constexpr std::size_t kMaxMimeParts = 1'000;             // further ones are left out
// Boundaries and header lines, and their octets: GMime makes objects of them, up to two hundred octets for one of content. A
// message is read up to where it goes beyond; no sound one comes near.
inline constexpr std::size_t kMaxStructureLines = 20'000;
inline constexpr std::size_t kMaxStructureOctets = 1024 * 1024;
// A field that is longer is left out.
inline constexpr std::size_t kMaxFieldOctets = 16 * 1024;
// Of all address fields together; further lines are left out. Lists are read in quadratic time, groups recursively, and each
// field reads those before it again: this much takes less than half a second.
inline constexpr std::size_t kMaxAddressOctets = 16 * 1024;
inline constexpr std::size_t kMaxAddressFields = 500;
inline constexpr std::size_t kMaxShownTextOctets = 4 * 1024 * 1024;  // of `text` and of `html`; the rest is cut off
inline constexpr std::size_t kMaxShownAddresses = 1'000;        // of each address field

struct ReadAttachment {
  std::string id;            // "0", "1" …: its place among the message's attachments
  std::string filename;      // of a calendar or AMP form of the text without one: "invite.ics", "message.amp.html"
  std::string content_type;  // "image/png"
  std::string content_id;    // without angle brackets
  bool is_inline = false;
  std::uint64_t octets = 0;  // decoded
};

struct ReadMessage {
  std::string header_message_id;  // without angle brackets
  std::string from;               // "Name <local@domain>"
  std::string subject;
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> reply_to;
  // Of the first text/plain part that is no attachment and no resource of another part; lines end with LF, all else is as it came.
  std::optional<std::string> text;
  std::optional<std::string> html;
  std::vector<ReadAttachment> attachments;
};

// Never fails: what cannot be read is empty. Takes time in proportion to `raw`; any thread, but no I/O thread.
ReadMessage read_message(std::string_view raw);

// The attachment's decoded content; nullopt: there is none of that id.
struct AttachmentContent {
  ReadAttachment attachment;
  std::string octets;
};
std::optional<AttachmentContent> read_attachment(std::string_view raw, std::string_view id);

}  // namespace postern::mime
