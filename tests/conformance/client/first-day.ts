// The first day of a partner, by a client whose operations and answers are typed by the schema: what does not fit the
// schema does not compile. Says on its output, as JSON, what it made.
// usage: node first-day.js URL OPERATOR_TOKEN
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import * as api from './generated.js';

const [url, operator] = process.argv.slice(2);
if (url === undefined || operator === undefined) throw new Error('usage: first-day.js URL OPERATOR_TOKEN');

async function ask<Answer, Variables>(
  document: TypedDocumentNode<Answer, Variables>,
  variables: Variables,
  token: string,
): Promise<Answer> {
  const response = await fetch(url!, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Answer; errors?: unknown };
  if (errors !== undefined || data === undefined) throw new Error(JSON.stringify(errors));
  return data;
}

/** What a mutation made, when nothing was wrong. */
function made<Made>(made: Made | null | undefined, refused: readonly unknown[]): Made {
  if (refused.length > 0 || made === null || made === undefined) throw new Error(JSON.stringify(refused));
  return made;
}

async function openShop(nameFa: string, nameEn: string) {
  const input = { nameFa, nameEn, issuePrice: '100', redeemPrice: '90' };
  const { registerMerchant } = await ask(api.RegisterMerchantDocument, { input }, operator!);
  const { id: merchantId } = made(registerMerchant.merchant, registerMerchant.userErrors);
  const rule = { merchantId, rate: { points: '1', per: '10000' }, expiry: { never: true } };
  const { setEarnRule } = await ask(api.SetEarnRuleDocument, { input: rule }, operator!);
  made(setEarnRule.earnRule, setEarnRule.userErrors);
  const scopes = ['members:enrol', 'members:read', 'operations:read', 'points:earn', 'points:redeem', 'rewards:manage'];
  const key = { merchantId, name: 'Web shop', scopes };
  const { createApiKey } = await ask(api.CreateApiKeyDocument, { input: key }, operator!);
  return { merchantId, key: made(createApiKey.secret, createApiKey.userErrors) };
}

const shop = await openShop('فروشگاه', 'Shop');
const other = await openShop('دیگری', 'Other');
const branchInput = { merchantId: shop.merchantId, nameFa: 'شعبهٔ ونک', nameEn: 'Vanak branch' };
const { registerBranch } = await ask(api.RegisterBranchDocument, { input: branchInput }, operator);
const branchId = made(registerBranch.branch, registerBranch.userErrors).id;

const customer = { merchantId: shop.merchantId, customerRef: '17850' };
const member = { name: 'مینا کریمی', mobile: '09123456789', customer };
const { enrolMember } = await ask(api.EnrolMemberDocument, { input: member }, shop.key);
const enrolled = made(enrolMember.member, enrolMember.userErrors);

let version = '0';
const operations: string[] = [];
for (const [receiptNumber, amount] of [['R-1001', '1200000'], ['R-1002', '350000'], ['R-9999', '40000']] as const) {
  const input = {
    idempotencyKey: `earn-${receiptNumber}`,
    member: { customer },
    receiptNumber,
    branchId,
    amount: { amount, currency: 'IRR' },
  };
  const { earnPoints } = await ask(api.EarnPointsDocument, { input }, shop.key);
  operations.push(made(earnPoints.operation, earnPoints.userErrors).id);
  const again = await ask(api.EarnPointsDocument, { input }, shop.key);
  if (!again.earnPoints.replayed) throw new Error('a second request with the same key was not the first one again');
  version = earnPoints.wallet?.version ?? version;
}
const holdInput = { idempotencyKey: 'hold-1', member: { customer }, points: '20' };
const { holdPoints } = await ask(api.HoldPointsDocument, { input: holdInput }, shop.key);
const hold = made(holdPoints.hold, holdPoints.userErrors);

const seen = await ask(api.MemberOfCustomerDocument, { reference: customer, atLeast: version }, shop.key);
const receipts = seen.member?.wallet?.operations.nodes.map((operation) => operation.receiptNumber);
if (JSON.stringify(receipts) !== JSON.stringify([null, 'R-9999', 'R-1002', 'R-1001'])) {
  throw new Error(`the wallet does not tell what happened: ${JSON.stringify(seen)}`);
}

const regular = { merchantId: shop.merchantId, customerRef: '17851' };
const another = { name: 'علی رضایی', mobile: '09123456780', customer: regular };
const { enrolMember: secondEnrolment } = await ask(api.EnrolMemberDocument, { input: another }, shop.key);
made(secondEnrolment.member, secondEnrolment.userErrors);
const bigEarn = {
  idempotencyKey: 'earn-R-2001', member: { customer: regular }, receiptNumber: 'R-2001', branchId,
  amount: { amount: '5000000', currency: 'IRR' },
};
const { earnPoints: secondEarn } = await ask(api.EarnPointsDocument, { input: bigEarn }, shop.key);
made(secondEarn.operation, secondEarn.userErrors);
const rewardInput: api.CreateRewardInput = {
  idempotencyKey: 'reward-1', kind: 'ITEM', title: 'coffee', points: '50', stock: 10,
};
const { createReward } = await ask(api.CreateRewardDocument, { input: rewardInput }, shop.key);
const reward = made(createReward.reward, createReward.userErrors);
const redeemInput = { idempotencyKey: 'redeem-1', rewardId: reward.id, member: { customer: regular } };
const { redeemReward } = await ask(api.RedeemRewardDocument, { input: redeemInput }, shop.key);
const redemption = made(redeemReward.redemption, redeemReward.userErrors);

const boardInput: api.CreateLeaderboardInput = {
  nameFa: 'تابلو', nameEn: 'Board', metric: 'POINTS_EARNED', cycle: 'ALL_TIME',
};
const { createLeaderboard } = await ask(api.CreateLeaderboardDocument, { input: boardInput }, operator);
const board = made(createLeaderboard.leaderboard, createLeaderboard.userErrors);
const bought = { merchantId: shop.merchantId, receiptNumber: 'R-1001' };
const { purchase } = await ask(api.PurchaseDocument, bought, shop.key);

console.log(JSON.stringify({
  shop, other, customer, regular,
  entities: {
    Merchant: shop.merchantId, Branch: branchId, Member: enrolled.id, Wallet: enrolled.wallet?.id,
    Operation: operations[0], Hold: hold.id, Purchase: purchase?.id, Leaderboard: board.id,
    Reward: reward.id, Redemption: redemption.id,
  },
}));
