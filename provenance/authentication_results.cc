#include "provenance/authentication_results.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::provenance {
namespace {

constexpr std::size_t kMaxLineOctets = 78;
constexpr std::size_t kMaxValueOctets = 320;
constexpr std::size_t kMaxWhyOctets = 200;

// A value as a token or a quoted string (RFC 8601 §2.2, pvalue). Empty: it cannot be one.
std::string property_value(std::string_view text) {
  if (text.empty() || text.size() > kMaxValueOctets || !is_printable_ascii(text)) return {};
  const bool is_plain = std::ranges::all_of(
      text, [](char c) { return is_ascii_alnum(c) || std::string_view("-._@+/=!#$%&'*^`{|}~").find(c) != std::string_view::npos; });
  if (is_plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// One resinfo: pieces that stand on a line together, with folds between them where they do not fit.
class ResultLine {
 public:
  explicit ResultLine(std::string text) { pieces_.push_back(std::move(text)); }

  void comment(std::string_view why) {
    if (why.empty()) return;
    std::string text = printable_utf8(why, kMaxWhyOctets);
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) > 0x7E || c == '\\'; }, '?');
    std::ranges::replace(text, '(', '[');
    std::ranges::replace(text, ')', ']');
    pieces_.push_back("(" + text + ")");
  }
  void property(std::string_view name, std::string_view value) {
    const std::string text = property_value(value);
    if (!text.empty()) pieces_.push_back(std::string(name) + "=" + text);
  }
  void append_to(std::string& field) const {
    field += ";\r\n\t";
    std::size_t column = 8;
    for (const std::string& piece : pieces_) {
      const bool is_first = &piece == &pieces_.front();
      if (!is_first && column + 1 + piece.size() >= kMaxLineOctets) {
        field += "\r\n\t ";
        column = 9;
      } else if (!is_first) {
        field += ' ';
        ++column;
      }
      field += piece;
      column += piece.size();
    }
  }

 private:
  std::vector<std::string> pieces_;
};

std::string with_result(std::string_view method, std::string_view result) {
  return std::string(method) + "=" + std::string(result);
}

void add_spf(const SpfSubject& subject, const SpfVerdict& spf, std::string& field) {
  ResultLine line(with_result("spf", spf_result_name(spf.result)));
  line.comment(spf.why);
  if (spf.is_helo) {
    line.property("smtp.helo", subject.helo);
  } else {
    line.property("smtp.mailfrom", has_high_octet(subject.sender) ? spf.domain : subject.sender);
  }
  line.append_to(field);
}

void add_dkim(const DkimVerdict& dkim, std::string& field) {
  ResultLine line(with_result("dkim", signature_result_name(dkim.result)));
  const std::string key = dkim.result == SignatureResult::Pass ? std::to_string(dkim.key_bits) + " bits" : "";
  line.comment(dkim.why.empty() ? key + (dkim.is_testing ? ", testing" : "") : dkim.why);
  line.property("header.d", dkim.domain);
  line.property("header.i", dkim.identity);
  line.property("header.s", dkim.selector);
  line.property("header.a", dkim.algorithm);
  line.property("header.b", dkim.value_start);
  line.append_to(field);
}

void add_dmarc(const DmarcVerdict& dmarc, std::string& field) {
  ResultLine line(with_result("dmarc", dmarc_result_name(dmarc.result)));
  line.comment(dmarc.why);
  line.property("header.from", dmarc.author_domain);
  if (!dmarc.policy_domain.empty()) line.property("policy.dmarc", dmarc_policy_name(dmarc.disposition));
  line.append_to(field);
}

void add_arc(const ArcVerdict& arc, std::string& field) {
  if (arc.result == ArcResult::None) return;
  ResultLine line(with_result("arc", arc_result_name(arc.result)));
  line.comment(arc.sealers.empty() ? arc.why : "sealed by " + arc.sealers.back().domain);
  line.append_to(field);
}

// Behind blanks, folds and comments; nullopt: a comment does not end.
std::optional<std::string_view> without_comments(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (depth > 0 && c == '\\') {
      ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && depth > 0) {
      --depth;
    } else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      return text.substr(i);
    }
  }
  return depth == 0 ? std::optional(std::string_view()) : std::nullopt;
}

}  // namespace

std::string format_authentication_results(std::string_view id, const SpfSubject& subject, const SpfVerdict& spf,
                                          const std::vector<DkimVerdict>& dkim, const ArcVerdict& arc, const DmarcVerdict& dmarc) {
  std::string field = "Authentication-Results: " + std::string(id);
  add_spf(subject, spf, field);
  for (const DkimVerdict& one : dkim) add_dkim(one, field);
  if (dkim.empty()) ResultLine("dkim=none").append_to(field);
  add_dmarc(dmarc, field);
  add_arc(arc, field);
  return field + "\r\n";
}

std::string authserv_id(std::string_view value) {
  const auto begin = without_comments(value);
  if (!begin || begin->empty()) return {};
  std::string_view rest = *begin;
  std::string id;
  if (rest.front() == '"') {
    for (rest.remove_prefix(1); !rest.empty() && rest.front() != '"'; rest.remove_prefix(1)) {
      if (rest.front() == '\\') rest.remove_prefix(1);
      if (rest.empty()) break;
      id += rest.front();
    }
    if (rest.empty()) return {};
    rest.remove_prefix(1);
  } else {
    const std::size_t end = std::min(rest.find_first_of(" \t\r\n;("), rest.size());
    id = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  // A version may stand between the id and the results (RFC 8601 §2.2).
  auto behind = without_comments(rest);
  while (behind && !behind->empty() && is_ascii_digit(behind->front())) behind = behind->substr(1);
  if (behind) behind = without_comments(*behind);
  if (!behind || (!behind->empty() && behind->front() != ';')) return {};
  return to_ascii_lower(id);
}

std::vector<std::size_t> find_forged_results(const mime::HeaderScan& header, std::string_view id) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < header.fields().size(); ++i) {
    const mime::HeaderField& field = header.fields()[i];
    if (!equals_ignoring_case(field.name, "Authentication-Results")) continue;
    const std::string theirs = authserv_id(field.value);
    if (theirs.empty() || theirs == to_ascii_lower(id)) found.push_back(i);
  }
  return found;
}

}  // namespace postern::provenance
