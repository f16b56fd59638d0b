// Any octets as a client's side of a connection: whole and octet by octet the same requests come out, within their limits, and no
// head or body holds what the rules forbid.
#include "core/bytes.h"
#include "http/request_reader.h"
#include "tests/fuzz/fuzz.h"

#include <string>
#include <vector>

namespace postern::fuzz {
namespace {

using http::RequestReader;
using State = RequestReader::State;

constexpr std::size_t kMaxBody = 4096;

void check(const http::RequestHead& head) {
  POSTERN_CHECK(!head.method.empty() && head.method.size() <= http::kMaxMethodOctets);
  POSTERN_CHECK(head.target.path.starts_with('/') && is_valid_utf8(head.target.path));
  POSTERN_CHECK(head.fields.size() <= http::kMaxFieldLines);
  POSTERN_CHECK(!(head.is_chunked && head.content_length));
  POSTERN_CHECK(!(head.is_chunked && head.is_http_1_0));
  POSTERN_CHECK(head.is_http_1_0 || !head.host.empty());
  for (const std::string& segment : head.target.segments) POSTERN_CHECK(segment != ".." && segment.find('\0') == std::string::npos);
  for (const auto& [name, value] : head.fields) {
    POSTERN_CHECK(name.find_first_of(" \t\r\n") == std::string::npos && value.find_first_of("\r\n") == std::string::npos);
  }
}

void take_request(RequestReader& reader, std::vector<std::string>& seen) {
  while (reader.state() == State::HasHead || reader.state() == State::HasRequest) {
    if (reader.state() == State::HasHead) {
      check(reader.head());
      reader.allow_body(kMaxBody);
      continue;
    }
    const std::string body = reader.take_body();
    POSTERN_CHECK(body.size() <= kMaxBody);
    POSTERN_CHECK(!reader.head().content_length || *reader.head().content_length == body.size());
    seen.push_back(reader.head().method + ' ' + reader.head().target.path + ' ' + body);
    reader.next_request();
  }
}

std::vector<std::string> read_requests(std::string_view octets, std::size_t piece) {
  RequestReader reader;
  std::vector<std::string> seen;
  while (!octets.empty() && reader.state() != State::Refused) {
    reader.received(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    take_request(reader, seen);
  }
  seen.push_back(reader.state() == State::Refused ? "refused" : "open");
  return seen;
}

}  // namespace

POSTERN_FUZZ(http_request) { POSTERN_CHECK(read_requests(input, http::kReadOctets) == read_requests(input, 1)); }

}  // namespace postern::fuzz
