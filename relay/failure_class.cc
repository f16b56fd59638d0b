#include "relay/failure_class.h"

#include "core/check.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::relay {
namespace {

using enum FailureClass;

constexpr std::array<FailureClassRow, kFailureClassCount> kClasses = {{
    {Recipient, "recipient", true, "no such mailbox"},
    {RecipientDisabled, "recipient_disabled", true, "the mailbox is disabled, suspended or inactive"},
    {RecipientMoved, "recipient_moved", true, "the mailbox has moved"},
    {RecipientDomain, "recipient_domain", true, "no such domain, or one that takes no mail"},
    {RecipientRestricted, "recipient_restricted", false, "the mailbox takes mail of some senders only"},
    {RecipientFilter, "recipient_filter", false, "refused after the content was seen: no such mailbox, or a filter's word"},
    {MailboxFull, "mailbox_full", false, "the mailbox is full"},
    {MessageTooBig, "message_too_big", false, "the message is too big"},
    {Content, "content", false, "the message's form or an attachment was refused"},
    {Spam, "spam", false, "the message was taken for spam"},
    {Virus, "virus", false, "the message was taken for malware"},
    {Policy, "policy", false, "refused by a policy of the next hop"},
    {Reputation, "reputation", false, "the sending address or network is on a block list or has a bad name"},
    {Authentication, "authentication", false, "SPF, DKIM or DMARC did not pass"},
    {ReverseDns, "reverse_dns", false, "the sending address has no matching PTR record"},
    {Sender, "sender", false, "the sender's address was refused"},
    {Relaying, "relaying", false, "the next hop does not serve this domain"},
    {Credentials, "credentials", false, "the next hop wants AUTH, or refused it"},
    {Greylisting, "greylisting", false, "asked to come again later, as a test"},
    {Rate, "rate", false, "too much mail in too short a time"},
    {Connections, "connections", false, "too many connections at once"},
    {Recipients, "recipients", false, "too many recipients in one message"},
    {Tls, "tls", false, "no TLS that the policy accepts"},
    {Dns, "dns", false, "a name could not be looked up"},
    {Network, "network", false, "the next hop was not reached, or the connection broke"},
    {Expired, "expired", false, "a later relay gave up"},
    {Loop, "loop", false, "the message goes round in circles"},
    {Storage, "storage", false, "the next hop's disk is full"},
    {System, "system", false, "the next hop has a fault of its own"},
    {Mailer, "mailer", false, "a program that the recipient's mail is handed to failed"},
    {Capability, "capability", false, "the next hop lacks an extension that the message needs"},
    {Protocol, "protocol", false, "the next hop did not accept a command"},
    {Undetermined, "undetermined", false, "the reply does not say"},
}};

enum class Code { Any, Transient, Permanent };

// The first rule that matches decides: the narrow ones stand before the wide ones.
struct TextRule {
  FailureClass value;
  std::string_view pattern;     // RE2, without regard to letter case; found anywhere in the text
  std::string_view remote = {};  // RE2 that the next hop's name must hold; empty: any
  Code code = Code::Any;
};

constexpr std::string_view kMicrosoft = R"(\.(protection\.outlook\.com|mx\.microsoft|olc\.protection\.outlook\.com)\b)";

constexpr TextRule kTextRules[] = {
    // Words of one provider.
    {Recipient, R"(recipient address rejected: access denied)", kMicrosoft, Code::Permanent},
    {Reputation, R"(part of their network is on our block list|\b(?:banned sending ip|s3140|s3150)\b)"},
    {Rate, R"(\[tss?\d\d\]|temporarily deferred due to (?:unexpected volume|user complaints))"},
    {Spam, R"(\b(?:ofr|lpn)[0-9]*_(?:506|515)\b)"},
    {Recipient, R"(\b(?:ofr|lpn)[0-9]*_(?:416|418)\b|delivery error: dd this user)", {}, Code::Permanent},
    {Rate, R"(unusual rate of (?:unsolicited )?(?:mail|e-?mail)|ratelimitexceeded|receivingrate)"},

    // Narrow sentences that hold words of a wider rule below.
    {RecipientRestricted,
     R"(blocked by the recipient|recipient preferences|user rules|user refuses|refuse[sd]? to receive|user reject)"
     R"(|only accepting mail from specific|is not accepting any mail|rst\.notauthorized|(?:is|this account is) protected by)"
     R"(|sender (?:is not|isn't) on the recipient|on the recipient's list|members-only|closed mailing list)"
     R"(|not subscribed to this group)"
     R"(|restricted sms|not accepting mail with)"},
    {RecipientDisabled,
     R"(extended inactivity|(?:currently|been|temporarily|user) suspended|suspend the service|inactive account|invalid/inactive)"
     R"(|deactivated mailbox|user is terminated|archived recipient|destinataire archivee|temporar(?:y|ily) (?:locked|inactive))"
     R"(|(?:user|domain) is disabled|no longer accepts mail)"},
    {Spam,
     R"(spam/virus|spam or virus|\bspam(?:ming)? (?:not|blocked|refused|check)|blocked by (?:spam|our filter)|by policy: no spam)"
     R"(|(?:spam|bulk)\w*profiler|bulk (?:e-?mail|advertising)|uribl|url in message|anti-?spam|recurrent pattern|message filtered)"
     R"(|(?:banned|unacceptable|rejecting mail) content|content (?:filter|denied|rejection)|mail content denied)"
     R"(|help_spam|5\.7\.0 reject, id=|temporarily blocked by our filter|has detected that this message)"},
    {Loop, R"(forwarding loop|message looping|loop was found|loop count)"},
    {Sender,
     R"(\bbatv\b|backscatter|(?:empty|null|bogus) (?:envelope )?(?:sender|mail from|e-?mail address)|no third-party dsns)"
     R"(|unsigned dsn)"
     R"(|returned mail not accepted|sender (?:e-?mail |domain |address )*(?:was |is |has been )*(?:rejected|empty|spammer)"
     R"(|black ?listed)|sender blacklisted)"
     R"(|senderfilter|in my black list|not pre-approved|emetteur invalide|unroutable sender|purported responsible)"
     R"(|mail from not owned)"
     R"(|e-?mail address has been blacklisted|fully qualified e-?mail address required)"
     R"(|different address or alias|submit messages to this e-?mail system has been rejected|recursive cname)"
     R"(|does not accept mail from)"
     R"(|access denied \(in reply to mail from|spam reporting address|bouncedeny|e2110)"},
    {Reputation,
     R"(sender ip|ip (?:address )?(?:sending|is|has been|was)? ?(?:in a |on a )?(?:black|listed|blocked|banned)|black list)"
     R"(|blocked by ldap|server ip)"
     R"(|(?:reputation|bad ip profile|ip/domain reputation|abusive|open proxy|zombied|currently sending spam)"
     R"(|you are sending spam)\b)"
     R"(|too many (?:spams|unwanted messages)|mail from your ip|by your ip|your remotehost|not allowed to connect)"
     R"(|(?:refused|blocked) - see http|not passed validation|helo command rejected|requires confirmation|confirm this mail server)"
     R"(|not accepting connections|mail server at .{0,60} is blocked|from ip address .{0,60}blocked|:blocked\))"
     R"(|said: 550 blocked|was blocked by)"},

    // What the message is, before words such as "rejected" and "policy" that accompany it.
    {Virus, R"(\b(?:virus(?:es)?|malware|trojan|worm|infected)\b)"},
    {Authentication, R"(\b(?:dmarc|dkim|spf|arc)\b|sender policy framework|unauthenticated e?-?mail|domainkeys)"},
    {ReverseDns,
     R"(\bptr\b|ip name lookup|forward dns entry|unresolvable|mismatches client ip|unverif[iy]able sending)"
     R"(|reverse[ -](?:dns|host|lookup|mapping)|rdns\b)"
     R"(|cannot (?:resolve|find) your (?:reverse )?(?:host|address|ip)|without a valid sender domain|no reverse)"},
    {Greylisting, R"(gr[ae]y-?list|try again (?:in|after) \d+ (?:sec|min)|come back later, greylisted)"},
    {Sender, R"(sending (?:this )?(?:to/)?from an address that (?:has been|is) black)"},
    {Reputation,
     R"(\b(?:spamhaus|spamcop|sorbs|barracudacentral|proofpoint\.com/dnsbl|senderscore|cloudmark|uceprotect)"
     R"(|invaluement|abusix)\b)"
     R"(|\b(?:dnsbl|rbl|dnswl|blacklist(?:ed)?|block ?list(?:ed)?|blocklisted|black-listed|poor reputation)"
     R"(|bad reputation|low reputation)\b|blocked using|reputation (?:is )?(?:too )?(?:low|bad|poor))"
     R"(|(?:ip|address|host|client) .{0,60}(?:is|has been|was) (?:blocked|banned|listed)|^blocked\b)"
     R"(|client host rejected|listed (?:in|at|on|by) (?:the )?(?:\S*bl\b|\S*list\b|\S+\.\w))"
     R"(|use the smtp (?:server|relay) of your (?:isp|provider)|invalid ip for sending|blocked for abuse)"
     R"(|no access from mail server|(?:dynamic|residential) ip|go away)"},
    {Spam,
     R"(\b(?:spam|ube|uce|bulk mail|junk mail|unsolicited|phishing)\b|content (?:was )?rejected|spam(?:my|assassin))"
     R"(|scored as|classified as spam)"},

    // From whom.
    {Sender,
     R"(sender address (?:rejected|\S+ does not exist)|domain of sender)"
     R"(|sender (?:domain|verify|verification|address)\b.{0,60}(?:fail|not|unknown|reject|invalid|does))"
     R"(|sender (?:rejected|denied|unknown|not allowed)|(?:bad|invalid|unknown) (?:sender|return path|mail from))"
     R"(|from address .{0,40}(?:not|invalid)|callout verification|from: domain is invalid|valid from:)"},

    // Whom it is for.
    {MailboxFull, R"(too much mail data|too many messages on the server)"},
    {Rate,
     R"(receiving mail at a rate|try again slower|max emails per|too many messages|too much mail|rate[- ]?limit)"
     R"(|frequency limit|throttl)"
     R"(|sending (?:rate|limit|quota)|exceeded .{0,40}\b(?:rate|messages|hourly|daily)\b|slow down)"},
    {MessageTooBig, R"(line limit exceeded|message (?:file )?too (?:big|large))"},
    {MailboxFull,
     R"(destinataire pleine|disk ?space (?:quota|limit)|enough (?:storage )?space|mailbox (?:quota|size limit))"
     R"(|over the (?:allowed )?quota)"
     R"(|quota violation|too many messages on the server|receiving limits|mail file size|452 insufficient disk)"
     R"(|mailbox (?:is |was )?(?:full|over)|over ?quota|quota (?:exceed|full))"
     R"(|exceed\w* .{0,40}(?:quota|storage|mailbox size)|disk quota|out of (?:storage|space) .{0,20}mailbox)"
     R"(|insufficient (?:storage|space) .{0,20}(?:mailbox|user)|not enough (?:storage|space) .{0,20}(?:mailbox|user))"
     R"(|user is over|exceed\w* storage allocation|(?:inbox|mail ?folder|mail ?box|disk) is (?:over)?full|(?:mail ?box)"
     R"(|mailbox) exceeded the)"
     R"(|number of messages in .{0,30}exceed|(?:full|over-?quota) (?:mailbox|inbox)|has exceeded .{0,30}(?:quota|space|storage))"
     R"(|too much mail data|not (?:enough|sufficient) (?:disk )?space|space has been used up)"},
    {Storage,
     R"(mail system full|insufficient (?:system |disk )?(?:storage|space)|no space left|disk (?:is )?full|out of disk)"
     R"(|system storage)"},
    {RecipientDisabled,
     R"((?:account|mailbox|user|recipient|address)\S* (?:that you tried to reach )?(?:is |has been |was )"
     R"(|are )?(?:currently )?(?:disabled|suspended|inactive|deactivated|locked|frozen|closed|expired)"
     R"(|discontinued|blocked|not active)\b|disabled (?:recipient|user|account|mailbox)|mailbox is frozen)"
     R"(|account is not active)"},
    {Mailer,
     R"(\bpipe to \||\bprocmail\b|\bmaildrop\b|command (?:died|failed|output:)|\|\|? ?exec\b|\|\| exit\b|\bmaidrop\b|x-unix)"
     R"(|mailer error)"},
    {RecipientMoved,
     R"(\b(?:has|have) moved\b|no longer (?:on|at|with|in use|valid|available|works|employed))"
     R"(|left the (?:company|organi[sz]ation)|moved to|new address is|has been replaced by)"},
    {RecipientDomain,
     R"(domain (?:is not reachable|mentioned in)|host unreachable|account or domain may not|is a dead domain|no route for current)"
     R"(|domain (?:does not|doesn't) (?:exist|accept)|no such (?:domain|host)|host or domain name not found)"
     R"(|unknown (?:domain|host)|(?:host|domain) (?:unknown|does not accept mail)|not accepting network messages)"
     R"(|mail receiving disabled|does not accept mail|null ?mx)"
     R"(|unrouteable (?:mail domain|address)|unroutable address|illegal host|name or service not known|domain must exist)"
     R"(|host \S+ not found|(?:^|\d )[a-z0-9-]+(?:\.[a-z0-9-]+)+ does not exist|no mx record)",
     {}, Code::Permanent},
    {Recipient,
     R"((?:no such|unknown|invalid|non-?exist\w*|bad|undeliverable|unrouteable) (?:local )?(?:user|recipient)"
     R"(|mailbox|address|account|destination mailbox|person|local-?part))"
     R"(|(?:user|recipient|mailbox|address|account|addressee|destinataire)\b[^.;]{0,80}?\b(?:unknown)"
     R"(|not (?:be )?(?:found|exist|known|listed|valid|recogni[sz]ed|available here)|does(?: not|n't) exist)"
     R"(|doesn't have|invalid|no such|non-?existent))"
     R"(|(?:user|recipient|mailbox|account|e?-?mail)\b.{0,80}that you tried to reach does not exist|recipnotfound)"
     R"(|recipientnotfound|adr\.recipient ?notfound|not (?:present )?in (?:the )?(?:name )?directory|can't accept user)"
     R"(|addresses were unknown)"
     R"(|rejected recipients|not an active address|mailbox (?:is unavailable|not present|unavaiable|is inactive))"
     R"(|utente simile|no existe)"
     R"(|no mail ?box (?:available|found)|account unavailable|not a local address|recipient (?:is not (?:accepted|local)|not ok))"
     R"(|recipient address rejected(?:$|\. \(|: ?userunknown)|in my (?:badre|validrcpt)|domain or user isn.t in my list)"
     R"(|recipients? (?:was|were) undeliverable|this spectator)"
     R"(|home directory|utilisateur inconnu|invalid or unknown|unknown local.?part|unknown e-?mail address)"
     R"(|wrong or no longer valid)"
     R"(|(?:<|rcpt|\() ?@?>? ?(?:not found|does not exist)|existent user|no @ in name|envelope recipient has been)"
     R"(|not a (?:valid|known) (?:user|mailbox|recipient)|no mailbox (?:here|by that name))"
     R"(|mailbox (?:unavailable|not found)|no one by that name|user not exist|address rejected\W*(?:@|$))"
     R"(|there is no one|no account by that name|unknown or illegal alias|no such (?:person|mail drop))"
     R"(|(?:user|recipient)\s+not listed|name is not recognized|badrcptto|invalid user address|destinataire invalide)",
     {}, Code::Permanent},
    {RecipientRestricted,
     R"(only (?:members|subscribers)|permission to post|groups\.google\.com|not (?:allowed|permitted)"
     R"(|authori[sz]ed) to (?:post|send|write) to)"
     R"(|restricted (?:recipient|address|mailbox)|delivery not authori[sz]ed)"
     R"(|recipient (?:does not accept|refuses|rejected)|authentication required for (?:relay|recipient))"},

    // Whether the next hop is for such mail at all.
    {Relaying,
     R"(insecure mail relay|that domain isn.t in my list|no relaying|relaying mail to|as a relay\b|open relay, so)"
     R"(|not a gateway|not local host|not configured to relay|handle mail for|email address is not verified)"
     R"(|relay(?:ing)? (?:access )?(?:denied|not (?:permitted|allowed))|unable to relay)"
     R"(|not (?:permitted|allowed) to relay|relaying (?:is )?(?:denied|prohibited)|we do not relay)"
     R"(|is not verified. the following identities)"},
    {Credentials,
     R"(auth\w* credentials|authenti(?:fi)?cation (?:failure|turned|invalide|requise)|verification failure)"
     R"(|not authorized to perform|don.t authenticate|auth\w* (?:is )?(?:required|failed|needed))"
     R"(|must (?:be )?(?:authenticate|issue a starttls.{0,20}auth))"
     R"(|authrequired|unauthenticated senders|not authenticated|bad credentials|invalid credentials)"
     R"(|username and password not accepted)"},

    // The dialogue and the way.
    {Tls,
     R"(starttls|\btls\b|\bssl\b|certificate|handshake failure|dane\b|mta-sts)"
     R"(|encrypt(?:ion|ed) (?:is )?(?:required|needed))"},
    {Connections,
     R"(trop de connexions|too many errors from|numerous attempts to deliver|too many (?:concurrent |simultaneous )"
     R"(|open )?(?:\w+ )?(?:connections|sessions)|connection (?:limit|rate))"
     R"(|concurrent connection|connections from your|maximum (?:number of )?connections)"},
    {Recipients, R"(too many recipients|recipient limit|number of recipients)"},
    {Loop, R"(too many hops|mail loop|routing loop|loop(?:s)? (?:detected|back)|hop count exceeded)"},
    {MessageTooBig,
     R"(^size limit|taille limite|(?:message|mail|size) .{0,30}(?:too (?:big|large)|exceed\w* .{0,30}(?:size|limit)"
     R"(|maximum))|message size)"
     R"(|max(?:imum)? (?:message )?size)"},
    {Dns,
     R"(dns records for|host not found, try|resolve route|name (?:service|server) (?:error|reply)|host ?name lookup failure)"
     R"(|dns (?:query|error|lookup|failure|server)|look up )"
     R"(|could not (?:be )?resolve|temporary lookup failure|malformed or unexpected name server)"},
    {Expired,
     R"(message (?:has )?(?:expired|timed out)|delivery expired|attempts will continue|has been delayed|not been collected)"
     R"(|did not respond)"
     R"(|within the allowed queue period|failed to deliver to domain|find a gateway for|giv(?:e|en|ing) up)"
     R"(|failing for a long time|in the queue too long|aborted after \d)"
     R"(|multiple retries|did not accept our requests to connect|(?:could not|cannot) (?:be )?deliver(?:ed)? (?:for|within))"
     R"(|delivery time expired|could not be delivered (?:for|within|after)|retry time not reached)"},
    {Network,
     R"(could not connect|time[d ]?-?out|connection (?:refused|reset|timed|lost|closed|dropped)|lost connection|no route to host)"
     R"(|network (?:is )?unreachable|host is (?:down|unreachable)|connect to |broken pipe)"},
    {Capability, R"(smtputf8|8-?bit ?mime|not (?:support|offer)\w* .{0,30}(?:utf|8bit|international)|requiretls)"},
    {Content,
     R"(improperly-formatted|unnecessary base64|rfc ?5322|rfcmessagenoncompliant|header (?:size|error)|mime complexity)"
     R"(|attachment|(?:message )?content (?:was )?(?:rejected|refused|not allowed|error)|content presents)"
     R"(|(?:header|mime|message format) .{0,30}(?:error|invalid|missing|malformed|duplicate))"
     R"(|(?:invalid|malformed|missing|duplicate|improper) .{0,30}(?:header|mime|message-id|date|from:))"
     R"(|line (?:is )?too long|bare (?:lf|cr)|header error)"},
    {Policy,
     R"(organizational settings|low priority|multiple addresses|mass mailer|posts without solving|polic(?:y|ies))"
     R"(|not (?:allowed|permitted|accepted)|access denied|denied|prohibited|administrative(?:ly)?)"
     R"(|rejected by|complaint|violation|blocked)"},
    {System,
     R"(local (?:configuration )?error|(?:system|server) config(?:uration)? error|misconfigured|interrupted system call)"
     R"(|queue file|no mdb|user output file|could not load|temporary local|encountered an error|internal (?:server )?error)"
     R"(|system (?:error|problem|not accepting))"
     R"(|service (?:currently |temporarily )?(?:unavailable|not available|refuse)|server (?:busy|error|too busy))"
     R"(|resources temporarily|try (?:again )?later|temporar\w* (?:failure|error|problem|unavailable|rejected))"
     R"(|transaction failed)"},
    {Protocol,
     R"(malformed address|command (?:not|unrecogni|parameter)|syntax error|bad sequence|(?:not|un)(?:recogni[sz]ed| implemented))"
     R"(|pipelining|synchroni[sz]ation)"},
};

struct CodeRow {
  std::uint16_t subject;
  std::uint16_t first, last;  // detail
  FailureClass value;
};

// RFC 3463 §3, the IANA registry of enhanced status codes, and what Microsoft uses beyond both (three digits).
constexpr CodeRow kCodes[] = {
    {1, 1, 1, Recipient},          {1, 2, 2, RecipientDomain},   {1, 3, 4, Recipient},       {1, 6, 6, RecipientMoved},
    {1, 7, 8, Sender},             {1, 10, 10, RecipientDomain}, {1, 351, 351, Recipient},   {2, 1, 1, RecipientDisabled},
    {2, 2, 2, MailboxFull},        {2, 3, 3, MessageTooBig},     {2, 4, 4, System},          {3, 1, 1, Storage},
    {3, 2, 2, System},             {3, 3, 3, Capability},        {3, 4, 4, MessageTooBig},   {3, 0, 6, System},
    {4, 1, 2, Network},            {4, 3, 3, Dns},               {4, 4, 4, RecipientDomain}, {4, 5, 5, System},
    {4, 6, 6, Loop},               {4, 7, 7, Expired},           {4, 310, 312, Dns},         {4, 316, 317, Network},
    {4, 0, 0, Network},            {5, 3, 3, Recipients},        {5, 0, 6, Protocol},        {6, 3, 3, Capability},
    {6, 7, 7, Capability},
    {6, 0, 13, Content},           {7, 2, 2, RecipientRestricted}, {7, 4, 4, Capability},    {7, 5, 5, Tls},
    {7, 8, 8, Credentials},        {7, 9, 9, Policy},            {7, 10, 11, Tls},           {7, 12, 12, Credentials},
    {7, 13, 13, RecipientDisabled}, {7, 17, 18, RecipientMoved}, {7, 20, 24, Authentication}, {7, 25, 25, ReverseDns},
    {7, 26, 26, Authentication},   {7, 27, 27, Sender},          {7, 28, 28, Rate},          {7, 29, 29, Authentication},
    {7, 30, 30, Tls},              {7, 57, 57, Credentials},     {7, 509, 509, Authentication}, {7, 606, 649, Reputation},
    {7, 650, 650, Rate},           {7, 700, 799, Rate},          {7, 0, 999, Policy},
};

struct ReplyRow {
  std::uint16_t code;
  FailureClass value;
};
// RFC 5321 §4.2.3 and RFC 7504, where nothing else says more.
constexpr ReplyRow kReplies[] = {
    {421, System},   {450, Undetermined}, {451, System},     {452, Storage},    {455, Capability}, {500, Protocol},
    {501, Protocol}, {502, Protocol},     {503, Protocol},   {504, Protocol},   {521, RecipientDomain}, {530, Credentials},
    {535, Credentials}, {538, Tls},       {551, RecipientMoved}, {552, MailboxFull}, {555, Capability}, {556, RecipientDomain},
};

// Of the automaton that all rules are together; where it runs out the set finds nothing.
constexpr std::int64_t kRuleOctets = 64 * 1024 * 1024;

RE2::Options options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_never_capture(true);
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(kRuleOctets);
  return options;
}

class TextRules {
 public:
  TextRules() {
    for (const TextRule& rule : kTextRules) {
      std::string error;
      POSTERN_CHECK(texts_.Add(std::string(rule.pattern), &error) >= 0);
      remotes_.push_back(rule.remote.empty() ? nullptr : std::make_unique<RE2>(std::string(rule.remote), options()));
    }
    POSTERN_CHECK(texts_.Compile());
  }

  std::optional<FailureClass> match(const Status& status, std::string_view remote) const {
    std::vector<int> found;
    std::string text = status.text.substr(0, kMaxClassifiedOctets);
    // Replies repeat addresses, and "spam@example.org" says nothing.
    RE2::GlobalReplace(&text, address_, "@");
    if (!texts_.Match(text, &found)) return std::nullopt;
    std::ranges::sort(found);
    const auto fits = [&](int index) {
      const TextRule& rule = kTextRules[index];
      if (rule.code == Code::Permanent && !status.is_permanent()) return false;
      if (rule.code == Code::Transient && !status.is_transient()) return false;
      const RE2* of_remote = remotes_[index].get();
      return of_remote == nullptr || RE2::PartialMatch(re2::StringPiece(remote.data(), remote.size()), *of_remote);
    };
    const auto first = std::ranges::find_if(found, fits);
    if (first == found.end()) return std::nullopt;
    return kTextRules[*first].value;
  }

 private:
  RE2::Set texts_{options(), RE2::UNANCHORED};
  RE2 address_{R"([^\s@]*@[^\s@]*)", options()};
  std::vector<std::unique_ptr<RE2>> remotes_;  // by rule; null: any
};

std::optional<FailureClass> by_enhanced_code(const Status& status) {
  if (!status.enhanced) return std::nullopt;
  const auto row = std::ranges::find_if(kCodes, [&](const CodeRow& code) {
    const std::uint16_t detail = status.enhanced->detail;
    return code.subject == status.enhanced->subject && code.first <= detail && detail <= code.last;
  });
  if (row == std::end(kCodes)) return std::nullopt;
  return row->value;
}

}  // namespace

const std::array<FailureClassRow, kFailureClassCount>& failure_class_table() { return kClasses; }

std::string_view failure_class_name(FailureClass value) { return kClasses[static_cast<std::size_t>(value)].name; }
bool concerns_address(FailureClass value) { return kClasses[static_cast<std::size_t>(value)].concerns_address; }

std::optional<FailureClass> classify_words(const Status& status, std::string_view remote) {
  static const TextRules rules;
  return rules.match(status, remote);
}

FailureClass classify_failure(const Status& status, std::string_view remote) {
  const auto of_code = by_enhanced_code(status);
  const bool is_own_word = remote.empty();
  if (is_own_word && of_code) return *of_code;
  if (const auto found = classify_words(status, remote)) return *found;
  if (of_code) return *of_code;
  const auto row = std::ranges::find(kReplies, status.code, &ReplyRow::code);
  return row == std::end(kReplies) ? Undetermined : row->value;
}

}  // namespace postern::relay
