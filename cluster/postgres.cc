#include "cluster/postgres.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace postern::cluster {
namespace {

using std::chrono::steady_clock;

PGconn* connection_of(void* handle) {
  return static_cast<PGconn*>(handle);
}
const PGresult* result_of(const std::shared_ptr<void>& result) {
  return static_cast<const PGresult*>(result.get());
}

// The first line of what libpq says: never the connection string.
std::string first_line(const char* said) {
  const std::string_view all = said == nullptr ? std::string_view() : std::string_view(said);
  return std::string(all.substr(0, all.find('\n')));
}

std::uint64_t parse_count(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void keep_remark(void* remark, const PGresult* notice) {
  *static_cast<std::string*>(remark) = first_line(PQresultErrorMessage(notice));
}

// False: the time is over.
bool poll_socket(int socket, short events, steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd watched{socket, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// What every connection of ours has: a commit waits for its disk at least, and who dies in a transaction frees the others.
constexpr const char* kSession =
    "SET search_path = postern; SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '5s'; "
    "SET client_min_messages = warning; "
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

}  // namespace

PostgresRows::PostgresRows(std::shared_ptr<void> result) : result_(std::move(result)) {
  size_ = static_cast<std::size_t>(PQntuples(result_of(result_)));
  affected_ = parse_count(PQcmdTuples(static_cast<PGresult*>(result_.get())));
}

bool PostgresRows::is_null(std::size_t row, std::size_t column) const {
  return PQgetisnull(result_of(result_), static_cast<int>(row), static_cast<int>(column)) == 1;
}

std::string_view PostgresRows::text(std::size_t row, std::size_t column) const {
  const PGresult* const result = result_of(result_);
  const int length = PQgetlength(result, static_cast<int>(row), static_cast<int>(column));
  return {PQgetvalue(result, static_cast<int>(row), static_cast<int>(column)), static_cast<std::size_t>(length)};
}

std::uint64_t PostgresRows::number(std::size_t row, std::size_t column) const {
  return parse_count(text(row, column));
}

void PostgresConnection::close() {
  if (handle_ != nullptr) PQfinish(connection_of(handle_));
  handle_ = nullptr;
}

Error PostgresConnection::lost(std::string_view attempt) {
  const std::string why = first_line(PQerrorMessage(connection_of(handle_)));
  close();
  return Error(ErrorCode::ConnectionReset, std::string(attempt) + (why.empty() ? "" : ": " + why));
}

Result<void> PostgresConnection::open() {
  close();
  char* mistake = nullptr;
  PQconninfoOption* const read = PQconninfoParse(where_.reveal().data(), &mistake);
  PQfreemem(mistake);  // it may quote a password
  if (read == nullptr) return Error(ErrorCode::InvalidArgument, "cluster_database is no connection string");
  PQconninfoFree(read);
  // What stands before the string ("dbname") may be said otherwise in it. Kerberos is not tried unasked: it waits for others.
  const char* const names[] = {"application_name", "gssencmode", "tcp_user_timeout", "dbname", "target_session_attrs",
                               "client_encoding",  nullptr};
  const char* const values[] = {"postern", "disable", "3000", where_.reveal().data(), "read-write", "UTF8", nullptr};
  const auto until = steady_clock::now() + kConnectPatience;
  handle_ = PQconnectStartParams(names, values, 1);
  if (handle_ == nullptr) return Error(ErrorCode::ConnectFailed, "no memory for a connection");
  PGconn* const connection = connection_of(handle_);
  for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK; state = PQconnectPoll(connection)) {
    const bool is_ready = state != PGRES_POLLING_FAILED && PQstatus(connection) != CONNECTION_BAD &&
                          poll_socket(PQsocket(connection), state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until);
    if (is_ready) continue;
    std::string why = first_line(PQerrorMessage(connection));
    if (why.empty()) why = "no answer within " + std::to_string(kConnectPatience.count()) + " ms";
    close();
    return Error(ErrorCode::ConnectFailed, "PostgreSQL: " + why);
  }
  PQsetnonblocking(connection, 1);
  PQsetNoticeReceiver(connection, keep_remark, &remark_);
  if (Result<void> set = run_script(kSession); !set) {
    close();
    return set;
  }
  return {};
}

Result<void> PostgresConnection::wait(bool writes) {
  const auto events = static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN);
  if (!poll_socket(PQsocket(connection_of(handle_)), events, steady_clock::now() + kAnswerPatience)) {
    close();
    return Error(ErrorCode::ConnectionTimedOut, "PostgreSQL does not answer");
  }
  if (PQconsumeInput(connection_of(handle_)) != 1) return lost("PostgreSQL");
  return {};
}

// All results of what was sent; the last one counts, the first error ends it.
Result<PostgresRows> PostgresConnection::answer() {
  for (int left = PQflush(connection_of(handle_)); left != 0; left = PQflush(connection_of(handle_))) {
    if (left < 0) return lost("PostgreSQL");
    if (Result<void> waited = wait(true); !waited) return waited.error();
  }
  std::shared_ptr<void> last;
  for (;;) {
    while (PQisBusy(connection_of(handle_)) == 1) {
      if (Result<void> waited = wait(false); !waited) return waited.error();
    }
    PGresult* const result = PQgetResult(connection_of(handle_));
    if (result == nullptr) break;
    last = std::shared_ptr<void>(result, [](void* owned) { PQclear(static_cast<PGresult*>(owned)); });
  }
  if (PQstatus(connection_of(handle_)) == CONNECTION_BAD || last == nullptr) return lost("PostgreSQL");
  const ExecStatusType status = PQresultStatus(result_of(last));
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return PostgresRows(std::move(last));
  return Error(ErrorCode::ProtocolError, "PostgreSQL: " + first_line(PQresultErrorMessage(result_of(last))));
}

Result<PostgresRows> PostgresConnection::ask(const std::string& statement, const Parameters& parameters) {
  if (!is_open()) return Error(ErrorCode::ConnectionReset, "PostgreSQL: not connected");
  remark_.clear();
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  constexpr int kOctets = 1;
  if (PQsendQueryParams(connection_of(handle_), statement.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, kOctets) != 1) {
    return lost("PostgreSQL");
  }
  return answer();
}

Result<void> PostgresConnection::run_script(const std::string& script) {
  if (!is_open()) return Error(ErrorCode::ConnectionReset, "PostgreSQL: not connected");
  remark_.clear();
  if (PQsendQuery(connection_of(handle_), script.c_str()) != 1) return lost("PostgreSQL");
  const Result<PostgresRows> answered = answer();
  if (!answered) return answered.error();
  return {};
}

std::string hex_parameter(std::string_view octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "\\x";
  text.reserve(2 + 2 * octets.size());
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    text.push_back(kDigits[octet >> 4]);
    text.push_back(kDigits[octet & 15]);
  }
  return text;
}

std::string array_parameter(const std::vector<std::optional<std::string>>& items) {
  std::string text = "{";
  for (const auto& item : items) {
    if (text.size() > 1) text += ',';
    if (!item) {
      text += "NULL";
      continue;
    }
    text += '"';
    for (const char c : *item) {
      if (c == '\\' || c == '"') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

}  // namespace postern::cluster
