// A dialogue with a ClientSession as a test tells it: what is sent, what the next hop answers, which step follows.
#pragma once

#include "smtp/client_session.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace postern::test {

// client.example, no TLS, no AUTH.
smtp::ClientConfig plain_client_config();
// From a@example.org to the recipients r0@example.net, r1@example.net …
Envelope numbered_envelope(std::size_t recipients);

class ClientScript {
 public:
  // `octets_per_read`: how much of what is fed reaches the session at a time.
  explicit ClientScript(smtp::ClientConfig config = plain_client_config(), std::size_t octets_per_read = 65'536);

  ClientScript& expect_sent(std::string_view octets);  // exactly this since the last expect_sent
  ClientScript& feed(std::string_view octets);         // the next hop says this; requires that the session reads it
  ClientScript& expect_start_tls();
  ClientScript& expect_ready();
  ClientScript& expect_need_content();
  ClientScript& expect_closed();

  ClientScript& tls_started();
  ClientScript& begin(const Envelope& envelope, std::uint64_t content_octets = 100);  // all its recipients
  ClientScript& content(std::string_view piece, bool is_last);
  ClientScript& quit();

  // Greeting and EHLO with these keywords, up to ClientReady.
  ClientScript& open(std::initializer_list<std::string_view> keywords);
  // "250 2.1.5 r1" for each recipient, one line each; "-" for one not settled.
  std::string results() const;
  std::string failure() const;  // formatted; "" if there is none
  smtp::ClientSession& session() { return session_; }

 private:
  template <class Step>
  void expect_step(const char* name);

  smtp::ClientSession session_;
  std::size_t octets_per_read_;
};

}  // namespace postern::test
