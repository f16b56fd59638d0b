// The values that the protocol needs, nothing else. One per listener; lives as long as the sessions that refer to it.
#pragma once

#include <cstdint>
#include <string>

namespace postern::smtp {

enum class TlsMode { None, StartTls, Implicit };
// Mx: strangers bring mail for domains of ours (RFC 5321 §2.3.10). No AUTH is offered or taken; TLS is theirs to choose.
enum class Role { Submission, Mx };

struct Config {
  std::string hostname;                     // in the greeting, EHLO and trace header
  Role role = Role::Submission;
  TlsMode tls = TlsMode::StartTls;
  bool allows_auth_without_tls = false;     // loopback listeners only: the app checks that
  std::uint64_t max_message_octets = 52'428'800;  // 50 MiB; advertised by SIZE
  std::uint32_t max_recipients = 1'000;     // judged in a transaction; in LIMITS; RFC 5321 §4.5.3.1.8 asks for at least 100
  std::uint64_t max_hold_seconds = 0;       // FUTURERELEASE (RFC 4865); 0: not offered
  std::uint32_t max_errors = 10;            // errors of the client between messages, then 421; verdicts of the product are none
  std::uint32_t max_junk = 100;             // commands that get nowhere (NOOP, RSET, VRFY, HELP, a refused MAIL …) between messages
  std::uint32_t max_auth_failures = 3;      // a session; then 421 too_many_failures
};

}  // namespace postern::smtp
