// The client's MAIL and RCPT lines, and what keeps a message from a hop that lacks an extension. Pure functions of envelope
// and capabilities.
#pragma once

#include "core/envelope.h"
#include "core/status.h"
#include "smtp/client_session.h"

#include <cstdint>
#include <optional>
#include <string>

namespace postern::smtp {

// Why no recipient of this message can be sent to such a hop: it is too big (RFC 1870 §6.1), 8-bit (RFC 6152 §3),
// internationalised (RFC 6531 §3.2), or must stay under TLS with a verified peer that keeps it there (RFC 8689 §4.2.1).
// Content is never converted, so the refusal is for good.
std::optional<Status> refuse_message(const Envelope& envelope, std::uint64_t content_octets,
                                     const ClientCapabilities& capabilities, bool is_verified_tls);
// Why this one recipient cannot be sent to such a hop.
std::optional<Status> refuse_recipient(const Recipient& recipient, const ClientCapabilities& capabilities);

// Append one command line with its CRLF. Parameters go only to a hop that offered their extension.
// Requires: refuse_message and refuse_recipient gave nothing.
void append_mail(const Envelope& envelope, std::uint64_t content_octets, const ClientCapabilities& capabilities,
                 std::string& out);
void append_rcpt(const Recipient& recipient, const ClientCapabilities& capabilities, std::string& out);

}  // namespace postern::smtp
