// The one error type inside Postern: a code that callers branch on, and a context for people.
#pragma once

#include <boost/assert/source_location.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace postern {

enum class ErrorCode {
  InvalidArgument,    // the caller's value is outside what the function takes
  Malformed,          // bytes from outside do not follow their grammar
  NotFound,
  AlreadyExists,
  Conflict,           // the thing's state forbids the change
  LimitExceeded,      // a configured bound was reached
  StorageFull,        // disk or configured cap; later writes may succeed
  StorageFailed,      // a write or sync failed: the environment refuses all writes until restart
  StorageShedding,    // too much is waiting to be committed; try again later
  DeadlinePassed,
  CorruptRecord,      // checksum or version of a stored record does not fit
  SchemaMismatch,     // the store was written by another schema version
  ConnectionClosed,   // the peer ended the stream in order
  ConnectionReset,
  ConnectionTimedOut,
  ConnectFailed,
  ResolveFailed,
  TlsFailed,
  ProtocolError,      // the peer broke its protocol
  Cancelled,
  IoError,
};

// "storage_full" and so on: stable, for logs and --json.
std::string_view error_code_name(ErrorCode code);

// Context says what was attempted on what ("open /var/lib/postern/spool: Permission denied"). It never holds a secret.
class Error {
 public:
  // Only because Result<T>::error() must be able to name a value where there is no error; nobody calls that.
  Error() = default;
  explicit Error(ErrorCode code) : code_(code) {}
  Error(ErrorCode code, std::string context) : code_(code), context_(std::move(context)) {}

  ErrorCode code() const { return code_; }
  const std::string& context() const { return context_; }
  // "storage_full: open …"
  std::string message() const;

 private:
  ErrorCode code_ = ErrorCode::InvalidArgument;
  std::string context_;
};

// Called by Result<T>::value(): throws std::runtime_error with message().
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location&);

}  // namespace postern
