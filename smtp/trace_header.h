// The Received field that goes on top of every message (RFC 5321 §4.4).
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"

#include <optional>
#include <string>
#include <string_view>

namespace postern::smtp {

struct TraceHeader {
  // Who submitted. nullopt: recipients have no business with it, and "authenticated-client" stands for it.
  struct Client {
    std::string_view helo_name;   // any octets: what is no plain host name is left out
    IpAddress address;
  };
  std::optional<Client> client;
  std::string_view hostname;    // of this server
  std::string_view protocol;    // "ESMTPSA" …
  std::string_view message_id;  // ours
  std::string_view tls;         // "TLSv1.3 TLS_AES_256_GCM_SHA384", empty in the clear
  Instant at;
};

// With its line ends, folded.
std::string format_trace_header(const TraceHeader& trace);

// RFC 3848 and RFC 6531 §4.3.
std::string trace_protocol(bool said_ehlo, bool is_tls, bool is_authenticated, bool is_smtputf8);

}  // namespace postern::smtp
