// RequestReader: octets in, one request after another out, or a refusal. Our rules look at the framing first (head_rules,
// chunk_guard); Beast parses what passed them, and where the two do not agree the request is refused. Pure: no socket, no time.
#pragma once

#include "core/secret.h"
#include "http/head_rules.h"
#include "http/target.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::http {

struct RequestHead {
  std::string method;  // as it came; HTTP's are case-sensitive
  Target target;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case; without Authorization
  std::optional<Secret> authorization;                      // the field's value
  std::string host;                                         // "" only in HTTP/1.0
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool is_http_1_0 = false;
  bool keeps_alive = false;       // HTTP/1.1 that does not say "close"
  bool expects_continue = false;  // the client waits for 100 before it sends the body

  bool has_body() const { return is_chunked || content_length.value_or(0) > 0; }
  std::string_view field(std::string_view lower_case_name) const;  // "" if absent
};

// One connection's. Octets behind a request wait until next_request().
class RequestReader {
 public:
  enum class State {
    NeedsHead,    // more octets, please
    HasHead,      // decide about the body: allow_body()
    NeedsBody,    // more octets, please
    HasRequest,   // head() and take_body(); then next_request()
    Refused,      // fault(): answer and close
  };

  RequestReader();
  ~RequestReader();

  // Requires: NeedsHead or NeedsBody.
  void received(std::string_view octets);
  State state() const { return state_; }
  // Something of the request has arrived. Between requests a connection may idle; within one it may not.
  bool has_begun() const { return !buffer_.empty() || state_ != State::NeedsHead; }

  // Requires: HasHead, up to the end of the request.
  RequestHead& head() { return head_; }
  // Requires: HasHead. BodyTooBig where the announced length is above, or later where the chunks are.
  void allow_body(std::size_t max_octets);
  // Requires: HasRequest.
  std::string take_body();
  // Requires: HasRequest. May be HasHead at once: what was pipelined is read.
  void next_request();

  // Requires: Refused.
  const RequestFault& fault() const { return fault_; }

 private:
  class Parser;

  void read_head();
  bool take_head_octet(char c);
  bool end_line(std::size_t end);
  void parse_head(std::size_t size);
  void fill_head(const HeadFacts& facts);
  void read_body();
  void refuse(RequestFault fault);
  void drop(std::size_t count);

  State state_ = State::NeedsHead;
  std::string buffer_;            // not yet given to the parser
  std::size_t scanned_ = 0;       // of the buffer: of the head, or of the body what the guard let pass
  std::size_t line_begin_ = 0;
  bool awaits_lf_ = false;
  bool is_first_line_ = true;
  bool may_skip_line_ = true;     // one empty line before a request (RFC 9112 §2.2)
  RequestHead head_;
  RequestFault fault_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace postern::http
