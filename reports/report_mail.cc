#include "reports/report_mail.h"

#include "core/bytes.h"
#include "mime/message_reader.h"
#include "reports/unpack.h"

#include <optional>
#include <string>
#include <utility>

namespace postern::reports {
namespace {

constexpr std::size_t kMaxTriedAttachments = 10;

std::string_view without_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return trim_ascii_space(text);
}

// By what it is called: senders use a dozen types for the same file.
bool may_be_report(const mime::ReadAttachment& attachment) {
  const std::string name = to_ascii_lower(attachment.filename) + " " + to_ascii_lower(attachment.content_type);
  for (const std::string_view word : {"xml", "gzip", "zip", ".gz", "tlsrpt", "json", "octet-stream"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

Result<Report> read_report(std::string_view octets) {
  const auto unpacked = unpack_report(octets);
  if (!unpacked) return unpacked.error();
  const std::string_view text = without_mark(*unpacked);
  if (text.starts_with('{')) {
    auto report = read_tls_report(text);
    if (!report) return report.error();
    return Report(std::move(*report));
  }
  auto report = read_aggregate_report(text);
  if (!report) return report.error();
  return Report(std::move(*report));
}

Result<Report> read_report_mail(std::string_view raw) {
  const mime::ReadMessage message = mime::read_message(raw);
  std::optional<Error> problem;
  std::size_t tried = 0;
  for (const mime::ReadAttachment& one : message.attachments) {
    if (!may_be_report(one)) continue;
    if (++tried > kMaxTriedAttachments) break;
    const auto attachment = mime::read_attachment(raw, one.id);
    if (!attachment) continue;
    auto report = read_report(attachment->octets);
    if (report) return report;
    if (!problem) problem = report.error();
  }
  return problem.value_or(Error(ErrorCode::NotFound, "the message has no report attached"));
}

}  // namespace postern::reports
