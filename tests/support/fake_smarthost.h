// A next hop for tests: a real SMTP server on loopback, with threads of its own, that does as it is told and keeps what it got.
// It shares no code with the client under test.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::test {

struct FakeSmarthostOptions {
  std::vector<std::string> keywords = {"PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"};
  std::string certificate_file{};  // with key_file: STARTTLS is offered
  std::string key_file{};
  bool is_implicit_tls = false;
  std::string user_name{};  // if not empty: AUTH PLAIN LOGIN is offered, and MAIL is refused without
  std::string password{};
  std::size_t most_connections = 0;  // at once: a further one is greeted with 421 and closed; 0: any number
};

struct SmarthostMessage {
  std::string mail;                // MAIL's argument, parameters included
  std::vector<std::string> rcpts;  // the same of each RCPT that was taken
  std::string content;             // after unstuffing
  std::size_t connection = 0;      // the how-manieth, from 0
  bool was_tls = false;
  bool was_followed = false;  // by commands, before its content was answered
};

// Stages: "greeting", "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "content", "end-of-data", "RSET", "QUIT".
// The functions that script it may be called at any time, from any thread.
class FakeSmarthost {
 public:
  explicit FakeSmarthost(FakeSmarthostOptions options = {});
  ~FakeSmarthost();

  std::uint16_t port() const;

  // What to say at `stage` instead of the usual, the next `times` times (0: always). Raw octets, CRLF included. With
  // `argument` only where the command's argument contains it. 2yz and 3yz replies have the usual effect.
  void reply(std::string stage, std::string octets, int times = 1, std::string argument = "");
  // Close without a word at `stage`. At "content": as soon as the first octets of the content are here; at "end-of-data":
  // when all of them are.
  void drop(std::string stage, int times = 1);
  // Say nothing at `stage` until release(). Holds every connection that comes there.
  void hold(std::string stage);
  void release();
  // Closes all connections; new ones are taken.
  void drop_all();

  // False if it took too long (ten seconds, so that a broken test ends).
  bool wait_for_held(std::size_t connections = 1) const;

  std::vector<SmarthostMessage> messages() const;
  std::vector<std::string> commands() const;  // as they came, those with credentials left out
  std::size_t connections() const;            // in all

  class Impl;  // complete in the .cc only

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::test
