#include "lab/captured_mail.h"

#include "api/message_lookup.h"
#include "api/own_email.h"
#include "core/bytes.h"
#include "core/header_text.h"
#include "mime/header_scan.h"

#include <algorithm>

namespace postern::lab {
namespace {

constexpr std::size_t kMaxFieldOctets = 4'096;  // as it is shown

// "<mailto:a@b>, <https://c/d>".
Unsubscribe read_unsubscribe(const CapturedMail& mail) {
  Unsubscribe unsubscribe;
  for (const std::string& value : mail.field_values("List-Unsubscribe")) {
    for (std::size_t begin = value.find('<'); begin != std::string::npos; begin = value.find('<', begin + 1)) {
      const std::size_t end = value.find('>', begin);
      if (end == std::string::npos) break;
      unsubscribe.addresses.emplace_back(trim_ascii_space(std::string_view(value).substr(begin + 1, end - begin - 1)));
    }
  }
  const auto posts = mail.field_values("List-Unsubscribe-Post");
  const bool has_https = std::ranges::any_of(unsubscribe.addresses, [](const std::string& address) {
    return starts_with_ignoring_case(address, "https://");
  });
  unsubscribe.is_one_click = has_https && posts.size() == 1 && trim_ascii_space(posts.front()) == "List-Unsubscribe=One-Click";
  return unsubscribe;
}

void measure_lines(CapturedMail& mail) {
  const std::string& raw = mail.raw;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\r' && (i + 1 == raw.size() || raw[i + 1] != '\n')) mail.has_bare_line_end = true;
    if (raw[i] != '\n') continue;
    const bool has_cr = i > begin && raw[i - 1] == '\r';
    if (!has_cr) mail.has_bare_line_end = true;
    mail.longest_line = std::max(mail.longest_line, i - begin - (has_cr ? 1 : 0));
    begin = i + 1;
  }
  mail.longest_line = std::max(mail.longest_line, raw.size() - begin);
}

}  // namespace

std::vector<std::string> CapturedMail::field_values(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : fields) {
    if (equals_ignoring_case(field, name)) values.push_back(value);
  }
  return values;
}

std::string CapturedMail::words() const {
  if (read.text && !trim_ascii_space(*read.text).empty()) return *read.text;
  return read.html ? html_words(*read.html) : std::string();
}

CapturedMail open_mail(store::StoredMessage stored, std::string raw) {
  CapturedMail mail{.stored = std::move(stored), .raw = std::move(raw), .read = {}, .fields = {}, .unsubscribe = {}};
  mail.read = mime::read_message(mail.raw);
  mime::HeaderScan header;
  header.feed(mail.raw);
  if (header.state() == mime::HeaderScan::State::Reading) header.finish();
  for (const mime::HeaderField& field : header.fields()) {
    mail.fields.emplace_back(printable_utf8(field.name, 200), header_text(field.value, kMaxFieldOctets));
  }
  mail.unsubscribe = read_unsubscribe(mail);
  measure_lines(mail);
  return mail;
}

Result<CapturedMail> load_mail(const store::Spool& spool, store::StoredMessage stored) {
  Result<std::string> raw = api::read_content(spool, stored.message);
  if (!raw) return raw.error();
  return open_mail(std::move(stored), std::move(*raw));
}

}  // namespace postern::lab
