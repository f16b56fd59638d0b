// One connection to PostgreSQL, over libpq; the only file that knows it. Blocking with a deadline for everything, on threads
// that may wait. What it asks is text with numbered parameters; what it gets is octets.
#pragma once

#include "core/result.h"
#include "core/secret.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::cluster {

// A server that is gone sends nothing. For as long as an answer comes in, however large it is, it may.
inline constexpr std::chrono::milliseconds kConnectPatience{3'000};
inline constexpr std::chrono::milliseconds kAnswerPatience{5'000};

// The rows of an answer. Views live as long as it does.
class PostgresRows {
 public:
  PostgresRows() = default;
  explicit PostgresRows(std::shared_ptr<void> result);

  std::size_t size() const { return size_; }
  bool is_null(std::size_t row, std::size_t column) const;
  // As the server sent it: text and bytea are octets.
  std::string_view text(std::size_t row, std::size_t column) const;
  // Of a number that was asked for as text; 0 where it is none.
  std::uint64_t number(std::size_t row, std::size_t column) const;
  // Rows that a command changed.
  std::uint64_t affected() const { return affected_; }

 private:
  std::shared_ptr<void> result_;
  std::size_t size_ = 0;
  std::uint64_t affected_ = 0;
};

// One thread at a time.
class PostgresConnection {
 public:
  // `where`: a connection string as libpq reads it. Several hosts: the one that takes writes is meant.
  explicit PostgresConnection(const Secret& where) : where_(where) {}
  ~PostgresConnection() { close(); }
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  bool is_open() const { return handle_ != nullptr; }
  // Anew, if it is open. Errors: InvalidArgument: `where` cannot be read; ConnectFailed.
  Result<void> open();
  void close();

  using Parameters = std::vector<std::optional<std::string>>;  // as text; nullopt: null
  // One statement. Errors: ConnectionTimedOut, ConnectionReset: the connection is closed, and whether the statement took effect is
  // not known; ProtocolError: the server refused, and says why.
  Result<PostgresRows> ask(const std::string& statement, const Parameters& parameters = {});
  // Several statements, none with parameters, in one transaction.
  Result<void> run_script(const std::string& script);
  // What the server remarked since the last statement began; empty: nothing. A commit that was not waited for ends with one.
  const std::string& remark() const { return remark_; }

 private:
  Result<PostgresRows> answer();
  Result<void> wait(bool writes);
  Error lost(std::string_view attempt);

  Secret where_;
  void* handle_ = nullptr;  // PGconn
  std::string remark_;
};

// "\x0a1b": bytea as a parameter.
std::string hex_parameter(std::string_view octets);
// {"\\x0a1b",NULL}: an array of them, or of text that needs no quotes.
std::string array_parameter(const std::vector<std::optional<std::string>>& items);

}  // namespace postern::cluster
