FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY schemas schemas
RUN npm run build && npm ci --omit=dev

FROM node:24-slim
ENV NODE_ENV=production
# Memory that bursts took is given back: one pool for all threads, and a small space for what is short-lived.
ENV MALLOC_ARENA_MAX=1
ENV NODE_OPTIONS=--max-semi-space-size=4
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY schemas schemas
COPY LICENSE ./
USER 65532:65532
EXPOSE 8443 9090
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
