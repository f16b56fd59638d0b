// A letter's way to the relay: one SMTP session with an API key as its password.
#pragma once

#include "core/secret.h"
#include "sendmail/post.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace postern::sendmail {

enum class RelayTls { None, StartTls, Implicit };

struct RelayAddress {
  std::string host = "127.0.0.1";
  std::uint16_t port = 587;
  RelayTls tls = RelayTls::StartTls;
  std::string ca_file;  // empty: the system's store
  std::string user_name = "sendmail";
  Secret key;
  std::string hostname;  // for EHLO
};

// How long a program that sends may wait for it.
inline constexpr std::chrono::seconds kLongestDelivery{60};

// On loopback no certificate is looked at; elsewhere the key is sent under verified TLS, or not at all. Blocks.
Delivery deliver(const RelayAddress& relay, const Letter& letter);

}  // namespace postern::sendmail
