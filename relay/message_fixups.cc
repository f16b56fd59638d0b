#include "relay/message_fixups.h"

#include "core/bytes.h"
#include "core/time_format.h"
#include "relay/message_tags.h"

namespace postern::relay {

std::string fixed_header(const HeaderScan& header, std::string_view message_id, std::string_view hostname, Instant now) {
  std::string fixed;
  fixed.reserve(header.section().size() + 160);
  // RFC 6409 §8.2 and §8.3. On top, so that what the client signed or ordered stays together.
  if (header.count("Date") == 0) fixed.append("Date: ").append(format_rfc5322_date(now)).append("\r\n");
  if (header.count("Message-ID") == 0) {
    fixed.append("Message-ID: <").append(message_id).append("@").append(hostname).append(">\r\n");
  }
  for (const HeaderField& field : header.fields()) {
    // RFC 5322 §3.6.3: nobody but their addressees may learn of them.
    const bool is_blind = equals_ignoring_case(field.name, "Bcc") || equals_ignoring_case(field.name, "Resent-Bcc");
    if (!is_blind && !equals_ignoring_case(field.name, kTagsField))
      fixed.append(header.section(), field.begin, field.end - field.begin);
  }
  fixed.append("\r\n").append(header.body_start());
  return fixed;
}

}  // namespace postern::relay
