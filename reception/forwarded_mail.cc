#include "reception/forwarded_mail.h"

#include "core/bytes.h"
#include "core/header_text.h"
#include "mime/encoded_words.h"
#include "mime/from_field.h"

#include <algorithm>

namespace postern::reception {
namespace {

constexpr std::string_view kStamp = "X-Postern-Forwarded";
constexpr std::size_t kMaxNameOctets = 200;  // of an author's name in the From field of ours

bool is_field(const mime::HeaderField& field, std::string_view name) { return equals_ignoring_case(field.name, name); }

// The author's name, else the local part of his address.
std::string author_name(std::string_view from) {
  std::string name = header_text(from, kMaxNameOctets);
  const std::size_t angle = name.rfind('<');
  if (angle != std::string::npos) name.resize(angle);
  std::erase(name, '"');
  name = trim_ascii_space(name);
  const mime::FromField read = mime::read_from_field(from);
  if ((name.empty() || angle == std::string::npos) && !read.fault) name = read.authors.front().local_part;
  return name;
}

std::string phrase(const std::string& text) {
  if (has_high_octet(text)) return mime::encode_words(text, std::string_view("From: ").size());
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string new_author(const mime::HeaderScan& header, const Mailbox& recipient) {
  const mime::HeaderField* const from = header.find("From");
  const std::string value(from != nullptr ? from->value : std::string_view());
  const std::string name = author_name(value) + " via " + recipient.domain;
  std::string fields = "From: " + phrase(name) + "\r\n\t<" + format_mailbox(recipient) + ">\r\n";
  fields += "X-Original-From:" + value + "\r\n";
  if (header.find("Reply-To") == nullptr) fields += "Reply-To:" + value + "\r\n";
  return fields;
}

}  // namespace

std::optional<std::string> find_forward_fault(const mime::HeaderScan& header, const ForwardFacts& facts) {
  std::size_t forwards = 0;
  for (const mime::HeaderField& field : header.fields()) {
    const std::string_view value = trim_ascii_space(field.value);
    if (is_field(field, "Delivered-To") && equals_ignoring_case(value, format_mailbox(facts.recipient))) {
      return "loop: it was delivered to this address before";
    }
    if (!is_field(field, kStamp)) continue;
    if (value == facts.route) return "loop: this route has sent it on before";
    if (++forwards >= kMaxForwards) return "loop: it was sent on " + std::to_string(kMaxForwards) + " times already";
  }
  // Nobody is to get it as from us, or sealed by us.
  if (facts.verdicts.dmarc == "permerror") return "its author cannot be told";
  if (facts.verdicts.asked_for != "none") return "it failed DMARC, and its author's domain asks for " + facts.verdicts.asked_for;
  return std::nullopt;
}

bool needs_new_author(const store::InboundVerdicts& verdicts) { return verdicts.dmarc == "pass" && !verdicts.is_dkim_aligned; }

std::string forwarded_header(const mime::HeaderScan& header, const ForwardFacts& facts) {
  std::string section = std::string(kStamp) + ": " + std::string(facts.route) + "\r\n";
  section += "Delivered-To: " + format_mailbox(facts.recipient) + "\r\n";
  const bool is_rewritten = needs_new_author(facts.verdicts);
  if (is_rewritten) section += new_author(header, facts.recipient);
  for (const mime::HeaderField& field : header.fields()) {
    if (is_field(field, "Return-Path") || (is_rewritten && is_field(field, "From"))) continue;
    section.append(header.section(), field.begin, field.end - field.begin);
  }
  return section;
}

}  // namespace postern::reception
