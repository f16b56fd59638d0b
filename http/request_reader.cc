#include "http/request_reader.h"

#include "core/bytes.h"
#include "core/check.h"
#include "http/chunk_guard.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>

namespace postern::http {
namespace {

namespace beast_http = boost::beast::http;

RequestFault malformed(std::string_view detail) { return {Fault::MalformedRequest, detail}; }

}  // namespace

std::string_view RequestHead::field(std::string_view lower_case_name) const {
  const auto found = std::ranges::find(fields, lower_case_name, [](const auto& field) { return std::string_view(field.first); });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

// Beast's parser of one request, and the guard of its body.
class RequestReader::Parser {
 public:
  Parser() {
    parser_.header_limit(kMaxHeadOctets + 1);
    parser_.body_limit(boost::none);  // the guard's and allow_body()'s part
  }

  // False: Beast does not like it. Returns by `count` what it took.
  bool put(std::string_view octets, std::size_t& count) {
    boost::beast::error_code ec;
    count = parser_.put(boost::asio::buffer(octets.data(), octets.size()), ec);
    return !ec || ec == beast_http::error::need_more;
  }

  void begin_body(std::size_t max_octets) {
    guard.emplace(max_octets);
    parser_.eager(true);
  }

  beast_http::request_parser<beast_http::string_body>& beast() { return parser_; }

  std::optional<ChunkGuard> guard;  // of a chunked body

 private:
  beast_http::request_parser<beast_http::string_body> parser_;
};

RequestReader::RequestReader() = default;
RequestReader::~RequestReader() { wipe_string(buffer_); }

void RequestReader::received(std::string_view octets) {
  POSTERN_CHECK(state_ == State::NeedsHead || state_ == State::NeedsBody);
  // Never moved while it holds a credential: a moved string leaves its octets behind.
  if (buffer_.capacity() < kMaxHeadOctets + kReadOctets) buffer_.reserve(kMaxHeadOctets + kReadOctets);
  buffer_.append(octets);
  if (state_ == State::NeedsHead) return read_head();
  read_body();
}

void RequestReader::read_head() {
  while (state_ == State::NeedsHead && scanned_ < buffer_.size()) {
    if (scanned_ >= kMaxHeadOctets) return refuse({Fault::HeaderFieldsTooLarge, {}});
    if (is_first_line_ && scanned_ > kMaxMethodOctets + kMaxTargetOctets + 16) return refuse({Fault::PathTooLong, {}});
    if (!take_head_octet(buffer_[scanned_++])) return;
  }
}

// False: the head is complete or refused. Refuses at the first wrong octet: whoever speaks another protocol learns it at once.
bool RequestReader::take_head_octet(char c) {
  if (awaits_lf_) {
    awaits_lf_ = false;
    if (c == '\n') return end_line(scanned_ - 2);
    refuse(malformed("a CR is not followed by LF"));
    return false;
  }
  if (c == '\r') {
    awaits_lf_ = true;
    return true;
  }
  const auto octet = static_cast<unsigned char>(c);
  if ((octet >= 0x20 || octet == '\t') && octet != 0x7f) return true;
  refuse(malformed(c == '\n' ? "a line ends with a bare LF" : "the header section holds a control character"));
  return false;
}

bool RequestReader::end_line(std::size_t end) {
  const std::string_view line(buffer_.data() + line_begin_, end - line_begin_);
  if (is_first_line_ && line.empty()) {
    if (!std::exchange(may_skip_line_, false)) {
      refuse(malformed("there are empty lines before the request"));
      return false;
    }
    drop(scanned_);
    return true;
  }
  if (std::exchange(is_first_line_, false)) {
    const auto examined = examine_request_line(line);
    if (const auto* fault = std::get_if<RequestFault>(&examined)) {
      refuse(*fault);
      return false;
    }
  }
  line_begin_ = scanned_;
  if (!line.empty()) return true;
  parse_head(scanned_);
  return false;
}

void RequestReader::parse_head(std::size_t size) {
  const auto examined = examine_head(std::string_view(buffer_).substr(0, size));
  if (const auto* fault = std::get_if<RequestFault>(&examined)) return refuse(*fault);
  const auto& facts = std::get<HeadFacts>(examined);
  head_ = {};
  if (facts.authorization) {
    head_.authorization = Secret(std::string(*facts.authorization));
    // Beast copies fields into memory that nobody wipes: it gets the field without its value.
    const auto offset = static_cast<std::size_t>(facts.authorization->data() - buffer_.data());
    std::fill_n(buffer_.begin() + static_cast<std::ptrdiff_t>(offset), facts.authorization->size(), '*');
  }
  parser_ = std::make_unique<Parser>();
  std::size_t count = 0;
  auto& beast = parser_->beast();
  const bool is_parsed = parser_->put(std::string_view(buffer_).substr(0, size), count) && count == size && beast.is_header_done();
  if (!is_parsed || beast.chunked() != facts.is_chunked ||
      beast.content_length().has_value() != facts.content_length.has_value() ||
      (facts.content_length && *beast.content_length() != *facts.content_length)) {
    return refuse(malformed("the header section is malformed"));
  }
  auto target = parse_target(facts.line.target);
  if (!target) return refuse(malformed("the request's target is malformed"));
  head_.target = std::move(*target);
  fill_head(facts);
  drop(size);
  state_ = State::HasHead;
}

void RequestReader::fill_head(const HeadFacts& facts) {
  head_.method = facts.line.method;
  head_.host = facts.host;
  head_.content_length = facts.content_length;
  head_.is_chunked = facts.is_chunked;
  head_.is_http_1_0 = facts.line.is_http_1_0;
  const auto& message = parser_->beast().get();
  for (const auto& field : message) {
    if (field.name() == beast_http::field::authorization) continue;
    head_.fields.emplace_back(to_ascii_lower(field.name_string()), std::string(field.value()));
  }
  head_.keeps_alive = !head_.is_http_1_0 && message.keep_alive();
  head_.expects_continue = !head_.is_http_1_0 && equals_ignoring_case(head_.field("expect"), "100-continue");
}

void RequestReader::allow_body(std::size_t max_octets) {
  POSTERN_CHECK(state_ == State::HasHead);
  if (head_.content_length.value_or(0) > max_octets) return refuse({Fault::BodyTooBig, {}});
  state_ = head_.has_body() ? State::NeedsBody : State::HasRequest;
  parser_->begin_body(max_octets);
  if (state_ == State::NeedsBody) read_body();
}

void RequestReader::read_body() {
  if (!head_.is_chunked) {
    scanned_ = buffer_.size();
  } else {
    scanned_ += parser_->guard->examine(std::string_view(buffer_).substr(scanned_));
    if (parser_->guard->fault()) return refuse(*parser_->guard->fault());
  }
  auto& beast = parser_->beast();
  const std::size_t held = head_.is_chunked ? parser_->guard->held_octets() : 0;
  while (scanned_ > held && !beast.is_done()) {
    std::size_t count = 0;
    if (!parser_->put(std::string_view(buffer_).substr(0, scanned_ - held), count)) {
      return refuse(malformed("the body is malformed"));
    }
    drop(count);
    if (count == 0) break;
  }
  const bool is_at_end = beast.is_done();
  if (head_.is_chunked && is_at_end != parser_->guard->is_done()) return refuse(malformed("the chunked body is malformed"));
  if (!is_at_end) return;
  scanned_ = 0;
  state_ = State::HasRequest;
}

std::string RequestReader::take_body() {
  POSTERN_CHECK(state_ == State::HasRequest);
  return std::move(parser_->beast().get().body());
}

void RequestReader::next_request() {
  POSTERN_CHECK(state_ == State::HasRequest);
  parser_.reset();
  head_ = {};
  state_ = State::NeedsHead;
  scanned_ = line_begin_ = 0;
  is_first_line_ = may_skip_line_ = true;
  read_head();
}

void RequestReader::refuse(RequestFault fault) {
  fault_ = fault;
  state_ = State::Refused;
}

// From the front of the buffer; overwritten, for there may be a credential in it.
void RequestReader::drop(std::size_t count) {
  const std::size_t left = buffer_.size() - count;
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(count), buffer_.end(), buffer_.begin());
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(left), buffer_.end(), '\0');
  buffer_.resize(left);
  scanned_ -= std::min(scanned_, count);
  line_begin_ = 0;
}

}  // namespace postern::http
