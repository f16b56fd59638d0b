// Replies of a hostile next hop: framing must not depend on how they are cut, and nothing unprintable or unbounded comes out.
#include "smtp/reply_parser.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace postern::fuzz {
namespace {

using postern::smtp::Reply;
using postern::smtp::ReplyParser;

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 0x20 && c <= 0x7e) || c == '\n'; });
}

// All replies as one text, and how it ended.
std::string transcript(std::string_view octets, std::size_t piece_size) {
  ReplyParser parser;
  std::string text;
  while (!octets.empty()) {
    std::string_view piece = octets.substr(0, piece_size);
    octets.remove_prefix(piece.size());
    while (!piece.empty()) {
      const ReplyParser::Progress progress = parser.consume(piece);
      if (progress == ReplyParser::Progress::Failed) return text;
      if (progress == ReplyParser::Progress::NeedMore) break;
      const Reply reply = parser.take();
      POSTERN_CHECK(reply.code() >= 200 && reply.code() < 600);
      POSTERN_CHECK(reply.status.text.size() <= postern::smtp::kMaxReplyTextOctets);
      POSTERN_CHECK(reply.lines.size() <= postern::smtp::kMaxReplyOctets);
      POSTERN_CHECK(is_printable(reply.lines) && is_printable(reply.status.text));
      text += format_status(reply.status) + '\n' + reply.lines;
    }
  }
  return text;
}

}  // namespace

POSTERN_FUZZ(reply) {
  const std::string whole = transcript(input, input.size() + 1);
  POSTERN_CHECK(transcript(input, 1) == whole);
  POSTERN_CHECK(transcript(input, 7) == whole);
}

}  // namespace postern::fuzz
