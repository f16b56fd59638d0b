// The words between the protocol core and its shell: steps that the session asks for, answers that it takes.
#pragma once

#include "core/envelope.h"
#include "core/secret.h"
#include "smtp/verdict.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace postern::smtp {

// Where a message's content goes while it arrives. Implemented by the product, called by the session.
class ContentSink {
 public:
  virtual ~ContentSink() = default;
  // Takes content after unstuffing, CRLF line ends only, in pieces of any size; `content` is valid during the call.
  // Returns false when it holds as much as it may: the session then asks for DrainContent before it reads on.
  virtual bool append(std::string_view content) = 0;
};

// What AUTH said. The password is the API key; the user name is free text.
struct Credential {
  std::string mechanism;  // "PLAIN" or "LOGIN"
  std::string user_name;  // valid UTF-8 without controls, at most kMaxUserNameOctets
  Secret password;
};

// Steps. `next()` yields one at a time; replies collect in the output buffer meanwhile.
struct NeedInput {};                       // flush output, read, then received() or peer_gone()
struct StartTls {};                        // flush output, handshake, then tls_started() or peer_gone()
struct Authenticate { Credential credential; };
struct JudgeSender {
  const std::optional<Mailbox>* reverse_path;  // into the session, until the answer
  const EnvelopeParameters* parameters;
};
struct JudgeRecipient { const Recipient* recipient; };  // into the session, until the answer
struct OpenMessage { const Envelope* envelope; };       // into the session, until the transaction ends
struct DrainContent {};                    // let the sink catch up, then content_drained()
struct CommitMessage {};                   // end of data was reached
// The transaction whose sender was accepted ends without a commit (RSET, too big, bare newline, peer gone …): discard what
// there is of it, an open message too; then abandoned().
struct AbandonMessage {};
struct Close { std::string_view stage; bool orderly; };  // flush output, close. `stage`: literal, for "lost after …"

using Step = std::variant<NeedInput, StartTls, Authenticate, JudgeSender, JudgeRecipient, OpenMessage, DrainContent,
                          CommitMessage, AbandonMessage, Close>;

// Answers.
// To Authenticate. A refused verdict that ends the session closes it after the reply.
struct AuthenticateAnswer { Verdict verdict; };
// To JudgeSender and JudgeRecipient.
struct JudgeAnswer { Verdict verdict; };
// To OpenMessage. Exactly one is set; the sink lives until CommitMessage or AbandonMessage was answered.
struct OpenAnswer {
  ContentSink* sink = nullptr;
  std::optional<Verdict> refusal;
};
// To CommitMessage. Accepted: `verdict` carries the 250 with the message id. Refused: nothing was kept.
struct CommitAnswer { Verdict verdict; };

// What TLS was negotiated, for the trace header and the log.
struct TlsFacts {
  std::string version;  // "TLSv1.3"
  std::string cipher;
};

}  // namespace postern::smtp
