// Any content's header section, whole and in pieces: the same fields, nothing lost; what is mended in it and put on top of it is
// a header section again, without blind copies. The first octet says how long the pieces are.
#include "mime/from_field.h"
#include "mime/header_scan.h"
#include "smtp/trace_header.h"
#include "submission/message_fixups.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <string>

namespace postern::fuzz {
namespace {

using mime::HeaderScan;

constexpr Instant kSubmitted{std::chrono::seconds(1'767'607'200)};

struct Reading {
  HeaderScan scan;
  std::string rest;  // what it did not take
};

Reading read(std::string_view content, std::size_t piece) {
  Reading reading;
  while (!content.empty() && reading.scan.state() == HeaderScan::State::Reading) {
    const std::string_view part = content.substr(0, piece);
    const std::size_t taken = reading.scan.feed(part);
    POSTERN_CHECK(taken <= part.size());
    content.remove_prefix(taken);
  }
  reading.scan.finish();
  reading.rest = content;
  return reading;
}

// Content has passed the content reader: every LF follows a CR, every CR is followed by an LF.
std::string without_bare_newlines(std::string_view input) {
  std::string content;
  for (const char c : input) {
    if (c == '\n') content.push_back('\r');
    if (c != '\r') content.push_back(c);
  }
  return content;
}

void check_fixed(const HeaderScan& scan) {
  const submission::FixUps fix_ups{.message_id = "0123", .hostname = "mail.example", .now = kSubmitted, .folds = true};
  const std::string fixed = submission::fixed_header(scan, fix_ups).section + scan.body_start();
  const Reading again = read(fixed, fixed.size());
  POSTERN_CHECK(again.scan.state() == HeaderScan::State::Complete && again.scan.has_empty_line());
  POSTERN_CHECK(again.scan.body_start() + again.rest == scan.body_start());
  POSTERN_CHECK(again.scan.count("Bcc") == 0 && again.scan.count("Resent-Bcc") == 0);
  POSTERN_CHECK(again.scan.count("Date") == std::max<std::size_t>(scan.count("Date"), 1));
  POSTERN_CHECK(again.scan.count("Message-ID") == 1);
}

void check_trace(std::string_view helo_name) {
  const IpAddress client = *parse_ip_address("192.0.2.1");
  const smtp::TraceHeader::Client shown{helo_name, client};
  const std::string trace = smtp::format_trace_header({shown, "mail.example", "ESMTPSA", "0123", "TLSv1.3 x", kSubmitted});
  const Reading reading = read(trace + "\r\n", trace.size() + 2);
  POSTERN_CHECK(reading.scan.has_empty_line() && reading.scan.fields().size() == 1 && reading.scan.count("Received") == 1);
}

}  // namespace

POSTERN_FUZZ(header) {
  const std::size_t piece = 1 + take_octet(input) % 16;
  check_trace(input.substr(0, input.find('\n')));
  static_cast<void>(mime::address_domains(input));

  const std::string content = without_bare_newlines(input);
  const Reading whole = read(content, content.size());
  const Reading split = read(content, piece);
  POSTERN_CHECK(whole.scan.state() == split.scan.state());
  if (whole.scan.state() != HeaderScan::State::Complete) return;
  POSTERN_CHECK(whole.scan.section() == split.scan.section() && whole.scan.has_empty_line() == split.scan.has_empty_line());
  POSTERN_CHECK(whole.scan.body_start() + whole.rest == split.scan.body_start() + split.rest);
  const std::string& section = whole.scan.section();
  POSTERN_CHECK(section.empty() || section.ends_with("\r\n"));
  std::size_t end = 0;
  for (const mime::HeaderField& field : whole.scan.fields()) {
    POSTERN_CHECK(field.begin == end && field.end > field.begin && !field.name.empty());
    end = field.end;
  }
  POSTERN_CHECK(end == section.size());
  check_fixed(whole.scan);
}

}  // namespace postern::fuzz
