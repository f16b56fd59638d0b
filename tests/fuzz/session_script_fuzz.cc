// A session as a list of commands: every octet of the input is one, some take the next octet as their choice or length. So inputs
// get far into a session, with TLS, several transactions, chunks and content, which octets alone seldom do. The first octet
// chooses the listener, the second the split and how the questions are answered.
#include "core/base64.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session_player.h"

#include <array>

namespace postern::fuzz {
namespace {

constexpr std::array<std::string_view, 28> kLines = {
    "EHLO client.example",
    "HELO client.example",
    "EHLO [IPv6:2001:db8::1]",
    "MAIL FROM:<a@example.org>",
    "MAIL FROM:<> RET=HDRS ENVID=x+2By",
    "MAIL FROM:<a@example.org> SIZE=40 BODY=8BITMIME",
    "MAIL FROM:<\xC3\xA4@example.org> SMTPUTF8",
    "MAIL FROM:<a@example.org> SIZE=2000000",
    "RCPT TO:<b@example.net>",
    "RCPT TO:<b@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+40example.net",
    "RCPT TO:<\"b c\"@[192.0.2.1]>",
    "RCPT TO:<Postmaster>",
    "RCPT TO:<no",
    "DATA",
    ".",
    "..",
    "Subject: x",
    "",
    "RSET",
    "NOOP",
    "VRFY b",
    "HELP",
    "QUIT",
    "BDAT x",
    "BDAT 0 LAST",
    "AUTH LOGIN",
    "*",
    "GET / HTTP/1.1",
};

enum Operation : std::uint8_t {
  kStartTls = kLines.size(),
  kAuthPlain,
  kAuthPlainInTwo,
  kChunk,
  kLastChunk,
  kShortChunk,
  kRaw,
  kBareLf,
  kLongLine,
  kOperations
};

std::string credential() { return encode_base64(std::string_view("\0user\0password", 14)); }

// BDAT with as many octets of content as it says, less `missing`.
void append_chunk(std::string& flight, std::uint8_t octets, std::string_view end, std::uint8_t missing) {
  flight += "BDAT " + std::to_string(octets) + std::string(end) + "\r\n";
  std::string content(octets, 'x');
  if (octets >= 2) content.replace(content.size() - 2, 2, "\r\n");
  flight += content.substr(0, content.size() - std::min(octets, missing));
}

void append_operation(std::uint8_t operation, std::string_view& input, std::vector<std::string>& flights) {
  std::string& flight = flights.back();
  switch (operation) {
    case kStartTls:
      flight += "STARTTLS\r\n";
      // An odd octet: what follows is in the clear, and has to be forgotten.
      if (take_octet(input) % 2 == 0) flights.emplace_back();
      break;
    case kAuthPlain: flight += "AUTH PLAIN " + credential() + "\r\n"; break;
    case kAuthPlainInTwo: flight += "AUTH PLAIN\r\n" + credential() + "\r\n"; break;
    case kChunk: append_chunk(flight, take_octet(input), "", 0); break;
    case kLastChunk: append_chunk(flight, take_octet(input), " LAST", 0); break;
    case kShortChunk: append_chunk(flight, take_octet(input), " LAST", 3); break;
    case kRaw: {
      const std::size_t octets = take_octet(input);
      flight += input.substr(0, octets);
      input.remove_prefix(std::min(octets, input.size()));
      break;
    }
    case kBareLf: flight += "NOOP\n"; break;
    case kLongLine: flight += std::string(std::size_t{take_octet(input)} * 80, 'x') + "\r\n"; break;
    default: (flight += kLines[operation]) += "\r\n";
  }
}

}  // namespace

POSTERN_FUZZ(session_script) {
  const smtp::Config config = listener_from(take_octet(input));
  const std::uint8_t choice = take_octet(input);
  std::vector<std::string> flights(1);
  while (!input.empty()) {
    const std::uint8_t operation = take_octet(input) % kOperations;
    append_operation(operation, input, flights);
  }
  const std::size_t every = choice & 7U;
  const std::size_t piece = 1 + (choice >> 3);
  const SessionRun split = SessionPlayer(config, flights, piece, every).play();
  if (split.steps.find('b') != std::string::npos) return;
  const SessionRun whole = SessionPlayer(config, flights, smtp::kReadOctets, every).play();
  POSTERN_CHECK(whole.steps == split.steps);
}

}  // namespace postern::fuzz
