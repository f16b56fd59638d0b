// Any octets as a mailbox, a path, a domain, an IP address and a network: what is read is read again from what we write, and the
// form in which addresses are compared is its own.
#include "core/bytes.h"
#include "core/ip_address.h"
#include "core/mailbox.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

void check_address(const Mailbox& mailbox) {
  POSTERN_CHECK(!mailbox.local_part.empty() && mailbox.local_part.size() <= 64 && mailbox.domain.size() <= 255);
  for (const std::string& part : {mailbox.local_part, mailbox.domain}) {
    POSTERN_CHECK(is_valid_utf8(part));
    for (const char c : part) POSTERN_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }
  if (mailbox.domain.empty()) return;
  const Result<Mailbox> again = parse_mailbox(format_mailbox(mailbox));
  POSTERN_CHECK(again && *again == mailbox);
  const std::string domain = normalised_domain(mailbox.domain);
  POSTERN_CHECK(normalised_domain(domain) == domain);
  const Result<Mailbox> normalised = parse_mailbox(normalised_mailbox(mailbox));
  if (normalised) POSTERN_CHECK(normalised_mailbox(*normalised) == normalised_mailbox(mailbox));
}

void check_address(const PathParse& path, std::string_view input) {
  if (path.error) return;
  POSTERN_CHECK(path.consumed >= 2 && path.consumed <= input.size() && input[path.consumed - 1] == '>');
  if (path.mailbox) check_address(*path.mailbox);
}

void check_networks(std::string_view input) {
  if (const auto address = parse_ip_address(input)) {
    POSTERN_CHECK(parse_ip_address(format_ip_address(*address)) == address);
    POSTERN_CHECK(address->is_v4() == (input.find(':') == std::string_view::npos) || address->is_v4());
    POSTERN_CHECK(parse_ip_network(input).has_value());
  }
  if (const auto network = parse_ip_network(input)) {
    POSTERN_CHECK(network->prefix_length <= 128 && network->contains(network->address));
    POSTERN_CHECK(parse_ip_network(format_ip_network(*network)) == network);
  }
}

}  // namespace

POSTERN_FUZZ(address) {
  if (const Result<Mailbox> mailbox = parse_mailbox(input)) check_address(*mailbox);
  for (const bool allow_utf8 : {false, true}) {
    check_address(parse_reverse_path(input, allow_utf8), input);
    check_address(parse_forward_path(input, allow_utf8), input);
    if (is_valid_domain(input, allow_utf8)) POSTERN_CHECK(allow_utf8 || !has_high_octet(input));
  }
  if (is_valid_domain(input, false)) POSTERN_CHECK(is_valid_domain(input, true));
  if (is_valid_address_literal(input)) POSTERN_CHECK(input.front() == '[' && input.back() == ']');
  check_networks(input);
}

}  // namespace postern::fuzz
