#include "core/error.h"

#include <boost/throw_exception.hpp>

#include <stdexcept>

namespace postern {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument: return "invalid_argument";
    case ErrorCode::Malformed: return "malformed";
    case ErrorCode::NotFound: return "not_found";
    case ErrorCode::AlreadyExists: return "already_exists";
    case ErrorCode::Conflict: return "conflict";
    case ErrorCode::LimitExceeded: return "limit_exceeded";
    case ErrorCode::StorageFull: return "storage_full";
    case ErrorCode::StorageFailed: return "storage_failed";
    case ErrorCode::StorageShedding: return "storage_shedding";
    case ErrorCode::DeadlinePassed: return "deadline_passed";
    case ErrorCode::CorruptRecord: return "corrupt_record";
    case ErrorCode::SchemaMismatch: return "schema_mismatch";
    case ErrorCode::ConnectionClosed: return "connection_closed";
    case ErrorCode::ConnectionReset: return "connection_reset";
    case ErrorCode::ConnectionTimedOut: return "connection_timed_out";
    case ErrorCode::ConnectFailed: return "connect_failed";
    case ErrorCode::ResolveFailed: return "resolve_failed";
    case ErrorCode::TlsFailed: return "tls_failed";
    case ErrorCode::ProtocolError: return "protocol_error";
    case ErrorCode::Cancelled: return "cancelled";
    case ErrorCode::IoError: return "io_error";
  }
  return "unknown";
}

std::string Error::message() const {
  std::string text(error_code_name(code_));
  if (!context_.empty()) text.append(": ").append(context_);
  return text;
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message());
}

}  // namespace postern
