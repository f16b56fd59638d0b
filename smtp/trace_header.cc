#include "smtp/trace_header.h"

#include "core/bytes.h"
#include "core/mailbox.h"
#include "core/time_format.h"

namespace postern::smtp {

std::string format_trace_header(const TraceHeader& trace) {
  std::string field;
  field.reserve(320);  // as long as it gets where names are no longer than they usually are
  field.append("Received: from ");
  if (!trace.client) {
    // RFC 5321 §4.4 wants a name there.
    field.append("authenticated-client\r\n\t");
  } else {
    const IpAddress& client = trace.client->address;
    const std::string address = (client.is_v4() ? "[" : "[IPv6:") + format_ip_address(client) + "]";
    const bool is_plain = is_valid_domain(trace.client->helo_name, false);
    field.append(is_plain ? trace.client->helo_name : std::string_view(address));
    field.append(" (").append(address).append(")\r\n\t");
  }
  field.append("by ").append(trace.hostname).append(" with ").append(trace.protocol);
  if (!trace.tls.empty()) field.append("\r\n\t(").append(trace.tls).append(")");
  field.append("\r\n\tid ").append(trace.message_id).append("; ").append(format_rfc5322_date(trace.at)).append("\r\n");
  return field;
}

std::string trace_protocol(bool said_ehlo, bool is_tls, bool is_authenticated, bool is_smtputf8) {
  if (!said_ehlo) return "SMTP";
  std::string protocol = is_smtputf8 ? "UTF8SMTP" : "ESMTP";
  if (is_tls) protocol.push_back('S');
  if (is_authenticated) protocol.push_back('A');
  return protocol;
}

}  // namespace postern::smtp
